// What changes a directory: MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2.
//
// The kernel gives up its own attributes of the directories, and of what is linked, unlinked or renamed, by itself.
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EOVERFLOW } from '../../vfs/errno.ts';
import {
  type Entry,
  type MaybePromise,
  type NodeId,
  type WritableFileSystem,
  newEntry,
} from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { Opcode } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, actor, invalid, writing } from './handler.ts';

/** struct fuse_mknod_in: mode (u32), rdev (u32), umask (u32), padding; then the name. */
function mknod(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(16);
  if (name === undefined) return invalid(conversation, request);
  const mode = request.u32(0) & (S_IFMT | 0o7777);
  const inode = {
    mode: (mode & S_IFMT) === 0 ? mode | S_IFREG : mode,
    umask: request.u32(8) & 0o777,
    rdev: request.u32(4),
  };
  return answerMade(conversation, request, (call, entry) =>
    fileSystem.mknod(request.nodeId, name, inode, call, entry),
  );
}

/** struct fuse_mkdir_in: mode (u32), umask (u32); then the name. */
function mkdir(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(8);
  if (name === undefined) return invalid(conversation, request);
  const inode = { mode: S_IFDIR | (request.u32(0) & 0o7777), umask: request.u32(4) & 0o777, rdev: 0 };
  return answerMade(conversation, request, (call, entry) =>
    fileSystem.mkdir(request.nodeId, name, inode, call, entry),
  );
}

/** The name, then the target. */
function symlink(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(0);
  const target = name && request.name(name.length + 1);
  if (name === undefined || target === undefined) return invalid(conversation, request);
  const inode = { mode: S_IFLNK | 0o777, umask: 0, rdev: 0 };
  return answerMade(conversation, request, (call, entry) =>
    fileSystem.symlink(request.nodeId, name, target, inode, call, entry),
  );
}

/** struct fuse_link_in: oldnodeid (u64); then the name. */
function link(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(8);
  if (name === undefined) return invalid(conversation, request);
  const node = request.u64(0) as NodeId;
  const call = actor(conversation, request);
  const entry = newEntry();
  const result = fileSystem.link(node, request.nodeId, name, call, entry);
  return answerEntry(conversation, request, result, call, entry);
}

/** Makes an inode that the caller owns, and answers with the entry that `make` fills. */
function answerMade(
  conversation: Conversation,
  request: Request,
  make: (call: Call, entry: Entry) => MaybePromise<number>,
): ReplyLength {
  const { unique } = request;
  const call = conversation.owners.makerOf(request.call());
  if (call === undefined) return conversation.reply.status(unique, -EOVERFLOW);
  const entry = newEntry();
  return answerEntry(conversation, request, make(call, entry), call, entry);
}

/** Answers with `entry`, which counts as one lookup. */
function answerEntry(
  conversation: Conversation,
  request: Request,
  result: MaybePromise<number>,
  call: Call,
  entry: Entry,
): ReplyLength {
  const { unique } = request;
  return conversation.answer(unique, result, call, () => {
    const { nodeId } = entry;
    const length = conversation.reply.lookup(unique, entry, conversation.openFiles.attrValidity(nodeId));
    return conversation.deliver(length, () => {
      conversation.fileSystem.forget(nodeId, 1);
    });
  });
}

function unlink(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(0);
  if (name === undefined) return invalid(conversation, request);
  const call = actor(conversation, request);
  return conversation.answerStatus(request.unique, fileSystem.unlink(request.nodeId, name, call), call);
}

function rmdir(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(0);
  if (name === undefined) return invalid(conversation, request);
  const call = actor(conversation, request);
  return conversation.answerStatus(request.unique, fileSystem.rmdir(request.nodeId, name, call), call);
}

/** struct fuse_rename_in: newdir (u64); then the old and the new name. */
function rename(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  return answerRename(conversation, request, fileSystem, 0, 8);
}

/** struct fuse_rename2_in: newdir (u64), flags (u32), padding; then the old and the new name. */
function rename2(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  return answerRename(conversation, request, fileSystem, request.u32(8), 16);
}

function answerRename(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
  flags: number,
  namesAt: number,
): ReplyLength {
  const name = request.name(namesAt);
  const newName = name && request.name(namesAt + name.length + 1);
  if (name === undefined || newName === undefined) return invalid(conversation, request);
  const newParent = request.u64(0) as NodeId;
  const call = actor(conversation, request);
  const result = fileSystem.rename(request.nodeId, name, newParent, newName, flags, call);
  return conversation.answerStatus(request.unique, result, call);
}

export const nameHandlers: HandlerFamily = [
  [Opcode.MKNOD, writing(17, mknod)],
  [Opcode.MKDIR, writing(9, mkdir)],
  [Opcode.SYMLINK, writing(2, symlink)],
  [Opcode.LINK, writing(9, link)],
  [Opcode.UNLINK, writing(1, unlink)],
  [Opcode.RMDIR, writing(1, rmdir)],
  [Opcode.RENAME, writing(10, rename)],
  [Opcode.RENAME2, writing(18, rename2)],
];
