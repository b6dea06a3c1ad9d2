// Open files: OPEN, CREATE, TMPFILE, RELEASE.
//
// A handle carries nothing: the file system counts opens by node, and OpenFileTable knows how they were answered. An open
// whose answer nobody takes is undone here, since no RELEASE will come for it.
import { constants } from 'node:fs';
import { S_IFREG } from '../../vfs/attr.ts';
import { ENOSYS, EOVERFLOW } from '../../vfs/errno.ts';
import {
  type Entry,
  type MaybePromise,
  type NodeId,
  type WritableFileSystem,
  newEntry,
} from '../../vfs/filesystem.ts';
import { type Call, type NewInode, OpenFile } from '../../vfs/operation.ts';
import { OPEN_KILL_SUIDGID, Opcode, OpenFlag } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, actor, answered, invalid, succeed, writing } from './handler.ts';

const { O_CREAT, O_EXCL, O_DIRECTORY, O_TRUNC } = constants;
/** __O_TMPFILE, the same on all of Node's architectures. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const CREATE_IN_SIZE = 16;

/** How an open that goes through the page cache is answered: its pages stay, and a close has nothing to wait for. */
export const CACHED_OPEN = OpenFlag.NOFLUSH | OpenFlag.KEEP_CACHE;

/** A file that is passed through has no pages: the flag to keep them is an error (EIO). */
const openFlagsFor = (backingId: number): number =>
  backingId === 0 ? CACHED_OPEN : OpenFlag.NOFLUSH | OpenFlag.PASSTHROUGH;

/**
 * struct fuse_open_in: flags (u32), open_flags (u32). On a read-only mount, if the kernel supports it, ENOSYS makes
 * it open by itself from now on, with all caches kept.
 */
function open(conversation: Conversation, request: Request): ReplyLength {
  const { fileSystem, state } = conversation;
  const { unique, nodeId } = request;
  if (fileSystem.isReadOnly) {
    return state.kind === 'serving' && state.opensWithoutMessage
      ? conversation.reply.status(unique, -ENOSYS)
      : conversation.reply.open(unique, OpenFlag.KEEP_CACHE);
  }
  const flags = request.u32(0);
  const isKilling = (flags & O_TRUNC) !== 0 && (request.u32(4) & OPEN_KILL_SUIDGID) !== 0;
  const killsPrivileges = isKilling && conversation.owners.killsPrivileges;
  const call = actor(conversation, request);
  const file = new OpenFile();
  const result = fileSystem.open(nodeId, flags, killsPrivileges, call, file);
  return conversation.answer(unique, result, call, () => {
    const { openFiles } = conversation;
    const validity = openFiles.attrValidity(nodeId);
    const backingId = openFiles.open(nodeId, flags, file);
    if (killsPrivileges || openFiles.attrValidity(nodeId) !== validity)
      conversation.invalidateAttributes(nodeId);
    return conversation.deliver(conversation.reply.open(unique, openFlagsFor(backingId), backingId), () => {
      close(conversation, fileSystem, nodeId, flags);
    });
  });
}

/** struct fuse_create_in: flags (u32), mode (u32), umask (u32), open_flags (u32). */
function createIn(request: Request): { readonly flags: number; readonly inode: NewInode } {
  return {
    flags: request.u32(0) & ~(O_CREAT | O_EXCL | O_TMPFILE),
    inode: { mode: S_IFREG | (request.u32(4) & 0o7777), umask: request.u32(8) & 0o777, rdev: 0 },
  };
}

/** fuse_create_in, then the name. */
function create(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(CREATE_IN_SIZE);
  if (name === undefined) return invalid(conversation, request);
  const { flags, inode } = createIn(request);
  return answerCreated(conversation, request, fileSystem, flags, (call, entry, file) =>
    fileSystem.create(request.nodeId, name, flags, inode, call, entry, file),
  );
}

/** fuse_create_in, then a name that says nothing. */
function tmpfile(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { flags, inode } = createIn(request);
  return answerCreated(conversation, request, fileSystem, flags, (call, entry, file) =>
    fileSystem.tmpfile(request.nodeId, flags, inode, call, entry, file),
  );
}

function answerCreated(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
  flags: number,
  make: (call: Call, entry: Entry, file: OpenFile) => MaybePromise<number>,
): ReplyLength {
  const { unique } = request;
  const call = conversation.owners.makerOf(request.call());
  if (call === undefined) return conversation.reply.status(unique, -EOVERFLOW);
  const entry = newEntry();
  const file = new OpenFile();
  return conversation.answer(unique, make(call, entry, file), call, () => {
    const { nodeId } = entry;
    const backingId = conversation.openFiles.open(nodeId, flags, file);
    const validity = conversation.openFiles.attrValidity(nodeId);
    const length = conversation.reply.create(unique, entry, validity, openFlagsFor(backingId), backingId);
    return conversation.deliver(length, () => {
      close(conversation, fileSystem, nodeId, flags);
      fileSystem.forget(nodeId, 1);
    });
  });
}

/** struct fuse_release_in: fh (u64), flags (u32), release_flags (u32), lock_owner (u64). */
function release(conversation: Conversation, request: Request): ReplyLength {
  const { fileSystem } = conversation;
  if (!fileSystem.isReadOnly) close(conversation, fileSystem, request.nodeId, request.u32(8));
  return succeed(conversation, request);
}

/** The kernel gives the backing file back first: its descriptor is the file system's. */
function close(
  conversation: Conversation,
  fileSystem: WritableFileSystem,
  node: NodeId,
  flags: number,
): void {
  conversation.openFiles.release(node, flags);
  fileSystem.release(node);
}

export const fileHandlers: HandlerFamily = [
  [Opcode.OPEN, answered(8, open)],
  [Opcode.CREATE, writing(CREATE_IN_SIZE + 1, create)],
  [Opcode.TMPFILE, writing(CREATE_IN_SIZE, tmpfile)],
  [Opcode.RELEASE, answered(24, release)],
];
