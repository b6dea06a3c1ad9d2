// Inodes and what is known of them: LOOKUP, FORGET, BATCH_FORGET, GETATTR, STATX, SETATTR, READLINK.
import { Attr } from '../../vfs/attr.ts';
import { EFBIG, ENOENT, ENOSYS } from '../../vfs/errno.ts';
import type { NodeId, WritableFileSystem } from '../../vfs/filesystem.ts';
import type { AttrChanges, TimeChange } from '../../vfs/operation.ts';
import { Opcode, SetattrFlag } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { replyStatx } from '../wire/statx-reply.ts';
import { type HandlerFamily, actor, answered, invalid, silent, writing } from './handler.ts';

function lookup(conversation: Conversation, request: Request): ReplyLength {
  const name = request.name(0);
  if (name === undefined) return invalid(conversation, request);
  const { entry, reply } = conversation;
  const status = conversation.fileSystem.lookup(request.nodeId, name, entry);
  if (status === 0) {
    return reply.lookup(request.unique, entry, conversation.openFiles.attrValidity(entry.nodeId));
  }
  return status === -ENOENT ? reply.negativeEntry(request.unique) : reply.status(request.unique, status);
}

/** struct fuse_forget_in: nlookup (u64). */
function forget(conversation: Conversation, request: Request): ReplyLength {
  conversation.fileSystem.forget(request.nodeId, request.u64(0));
  return 0;
}

/** struct fuse_batch_forget_in: count (u32), dummy (u32), then count times nodeid (u64), nlookup (u64). */
function batchForget(conversation: Conversation, request: Request): ReplyLength {
  const count = Math.min(request.u32(0), Math.floor((request.bodyLength - 8) / 16));
  for (let i = 0; i < count; i++) {
    conversation.fileSystem.forget(request.u64(8 + 16 * i) as NodeId, request.u64(16 + 16 * i));
  }
  return 0;
}

function getattr(conversation: Conversation, request: Request): ReplyLength {
  const { unique, nodeId } = request;
  const { attr } = conversation.entry;
  const status = conversation.fileSystem.getattr(nodeId, attr);
  return status === 0
    ? conversation.reply.getattr(unique, attr, conversation.openFiles.attrValidity(nodeId))
    : conversation.reply.status(unique, status);
}

/** struct fuse_statx_in: getattr_flags (u32), reserved, fh (u64), sx_flags (u32), sx_mask (u32). Every field is answered. */
function statx(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { unique, nodeId } = request;
  const { attr } = conversation.entry;
  const status = fileSystem.getattr(nodeId, attr);
  return status === 0
    ? replyStatx(conversation.reply, unique, attr, conversation.openFiles.attrValidity(nodeId))
    : conversation.reply.status(unique, status);
}

/**
 * struct fuse_setattr_in, 88 bytes:
 * | offset | size | name                    |     | offset | size | name                |
 * | ------ | ---- | ----------------------- |     | ------ | ---- | ------------------- |
 * | 0      | 4    | valid: SetattrFlag bits |     | 56     | 4x3  | their nanoseconds   |
 * | 8      | 8    | fh                      |     | 68     | 4    | mode                |
 * | 16     | 8    | size                    |     | 76     | 4    | uid                 |
 * | 24     | 8    | lock_owner              |     | 80     | 4    | gid                 |
 * | 32     | 8x3  | atime, mtime, ctime     |     | 84     | 4    | unused              |
 * ctime is the file system's own to set.
 */
function setattr(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { unique, nodeId } = request;
  const changes = attrChanges(request);
  if (changes.size !== undefined && !Number.isSafeInteger(changes.size)) {
    return conversation.reply.status(unique, -EFBIG);
  }
  const status = conversation.owners.storeChanges(changes, nodeId, fileSystem);
  if (status < 0) return conversation.reply.status(unique, status);
  const call = actor(conversation, request);
  const attr = new Attr();
  return conversation.answer(unique, fileSystem.setattr(nodeId, changes, call, attr), call, () => {
    if (changes.mode !== undefined) conversation.openFiles.setsMode(nodeId);
    return conversation.reply.getattr(unique, attr, conversation.openFiles.attrValidity(nodeId));
  });
}

function attrChanges(request: Request): AttrChanges {
  const valid = request.u32(0);
  const has = (flag: number): boolean => (valid & flag) !== 0;
  const changes: AttrChanges = {};
  if (has(SetattrFlag.MODE)) changes.mode = request.u32(68) & 0o7777;
  if (has(SetattrFlag.UID)) changes.uid = request.u32(76);
  if (has(SetattrFlag.GID)) changes.gid = request.u32(80);
  if (has(SetattrFlag.SIZE)) changes.size = request.u64(16);
  if (has(SetattrFlag.ATIME)) changes.atime = timeChange(request, has(SetattrFlag.ATIME_NOW), 32, 56);
  if (has(SetattrFlag.MTIME)) changes.mtime = timeChange(request, has(SetattrFlag.MTIME_NOW), 40, 60);
  if (has(SetattrFlag.KILL_SUIDGID)) changes.killsPrivileges = true;
  return changes;
}

function timeChange(request: Request, isNow: boolean, sec: number, nsec: number): TimeChange {
  return isNow ? 'now' : { sec: request.i64(sec), nsec: request.u32(nsec) };
}

function readlink(conversation: Conversation, request: Request): ReplyLength {
  const target = conversation.fileSystem.readlink(request.nodeId);
  return typeof target === 'number'
    ? conversation.reply.status(request.unique, target)
    : conversation.reply.copy(request.unique, target);
}

export const nodeHandlers: HandlerFamily = [
  [Opcode.LOOKUP, answered(1, lookup)],
  [Opcode.FORGET, silent(8, forget)],
  [Opcode.BATCH_FORGET, silent(8, batchForget)],
  [Opcode.GETATTR, answered(16, getattr)],
  [Opcode.STATX, writing(24, statx, ENOSYS)],
  [Opcode.SETATTR, writing(88, setattr)],
  [Opcode.READLINK, answered(0, readlink)],
];
