// The handlers: one a request kind, from the kernel's message to a call of the FileSystem and back.
//
// What has no handler is answered ENOSYS, which the kernel remembers where it matters (ACCESS, FLUSH, STATX,
// BMAP, POLL, SYNCFS ...): it never asks again. The mount is read-only; the kernel itself refuses what writes.
import { EINVAL, ENODATA, ENOENT, ENOSYS, ENOTTY, ERANGE, EROFS } from '../vfs/errno.ts';
import type { NodeId } from '../vfs/filesystem.ts';
import { initReplySize, negotiate } from './negotiate.ts';
import { MAX_TRANSFER, OPCODE_COUNT, Opcode, OpenFlag } from './protocol.ts';
import type { Request } from './request.ts';
import type { ReplyLength, Session } from './session.ts';

interface Handler {
  /** Bytes of the request's fixed part: a shorter body is answered EINVAL. */
  readonly minimumBody: number;
  /** False for the messages that the kernel wants no reply to. */
  readonly isAnswered: boolean;
  readonly handle: (session: Session, request: Request) => ReplyLength;
}

function init(session: Session, request: Request): ReplyLength {
  const wantsAcls = session.fileSystem.hasPosixAcl || session.cachesMissingAcls;
  const outcome = negotiate(request, session.reply, wantsAcls);
  if (outcome.kind === 'again') return session.reply.finish(request.unique, initReplySize);
  if (outcome.kind === 'refused') {
    session.state = { kind: 'refused', reason: outcome.reason };
    session.onState();
    return session.reply.status(request.unique, -EINVAL);
  }
  session.state = {
    kind: 'serving',
    opensWithoutMessage: outcome.opensWithoutMessage,
    opensDirectoriesWithoutMessage: outcome.opensDirectoriesWithoutMessage,
  };
  // The reply is written by our caller before anything that waits for the state can run.
  queueMicrotask(session.onState);
  return session.reply.finish(request.unique, initReplySize);
}

function lookup(session: Session, request: Request): ReplyLength {
  const name = request.name(0);
  if (name === undefined) return session.reply.status(request.unique, -EINVAL);
  const status = session.fileSystem.lookup(request.nodeId, name, session.entry);
  if (status === 0) return session.reply.lookup(request.unique, session.entry);
  if (status === -ENOENT) return session.reply.negativeEntry(request.unique);
  return session.reply.status(request.unique, status);
}

/** struct fuse_forget_in: nlookup (u64). */
function forget(session: Session, request: Request): ReplyLength {
  session.fileSystem.forget(request.nodeId, request.u64(0));
  return 0;
}

/** struct fuse_batch_forget_in: count (u32), dummy (u32), then count times nodeid (u64), nlookup (u64). */
function batchForget(session: Session, request: Request): ReplyLength {
  const count = Math.min(request.u32(0), Math.floor((request.bodyLength - 8) / 16));
  for (let i = 0; i < count; i++) {
    session.fileSystem.forget(request.u64(8 + 16 * i) as NodeId, request.u64(16 + 16 * i));
  }
  return 0;
}

function getattr(session: Session, request: Request): ReplyLength {
  const { attr } = session.entry;
  const status = session.fileSystem.getattr(request.nodeId, attr);
  return status === 0
    ? session.reply.getattr(request.unique, attr)
    : session.reply.status(request.unique, status);
}

function readlink(session: Session, request: Request): ReplyLength {
  const target = session.fileSystem.readlink(request.nodeId);
  return typeof target === 'number'
    ? session.reply.status(request.unique, target)
    : session.reply.copy(request.unique, target);
}

/** Where the kernel can do without, ENOSYS tells it to open by itself from now on, with all caches kept. */
function open(session: Session, request: Request): ReplyLength {
  return session.state.kind === 'serving' && session.state.opensWithoutMessage
    ? session.reply.status(request.unique, -ENOSYS)
    : session.reply.open(request.unique, OpenFlag.KEEP_CACHE);
}

function opendir(session: Session, request: Request): ReplyLength {
  return session.state.kind === 'serving' && session.state.opensDirectoriesWithoutMessage
    ? session.reply.status(request.unique, -ENOSYS)
    : session.reply.open(request.unique, OpenFlag.KEEP_CACHE | OpenFlag.CACHE_DIR);
}

function succeed(session: Session, request: Request): ReplyLength {
  return session.reply.status(request.unique, 0);
}

/** struct fuse_read_in: fh (u64), offset (u64), size (u32), and what only writers need. */
function read(session: Session, request: Request): ReplyLength {
  const size = Math.min(request.u32(16), MAX_TRANSFER);
  return session.answerRead(request.unique, session.fileSystem.read(request.nodeId, request.u64(8), size));
}

/** struct fuse_read_in, of a directory: offset is the cookie. */
function list(session: Session, request: Request): ReplyLength {
  const { directory } = session;
  directory.begin(request.u32(16), request.opcode === Opcode.READDIRPLUS);
  const status = session.fileSystem.readdir(request.nodeId, request.u64(8), directory);
  return status === 0 ? directory.finish(request.unique) : session.reply.status(request.unique, status);
}

/** A size of 0 asks how long the value is (getxattr(2)). */
function answerXattr(session: Session, request: Request, value: Uint8Array | number): ReplyLength {
  const size = request.u32(0);
  if (typeof value === 'number') return session.reply.status(request.unique, value);
  if (size === 0) return session.reply.xattrSize(request.unique, value.byteLength);
  if (value.byteLength > size) return session.reply.status(request.unique, -ERANGE);
  return session.reply.copy(request.unique, value);
}

/** struct fuse_getxattr_in: size (u32), padding (u32), then the name. */
function getxattr(session: Session, request: Request): ReplyLength {
  const name = request.name(8);
  if (name === undefined) return session.reply.status(request.unique, -EINVAL);
  const value = name.length === 0 ? -ENODATA : session.fileSystem.getxattr(request.nodeId, name);
  return answerXattr(session, request, value);
}

function listxattr(session: Session, request: Request): ReplyLength {
  return answerXattr(session, request, session.fileSystem.listxattr(request.nodeId));
}

function statfs(session: Session, request: Request): ReplyLength {
  const status = session.fileSystem.statfs(session.statfs);
  return status === 0
    ? session.reply.statfs(request.unique, session.statfs)
    : session.reply.status(request.unique, status);
}

/** struct fuse_lseek_in: fh (u64), offset (u64), whence (u32), padding. */
function lseek(session: Session, request: Request): ReplyLength {
  const offset = session.fileSystem.seek(request.nodeId, request.u64(8), request.u32(16));
  return offset < 0
    ? session.reply.status(request.unique, offset)
    : session.reply.lseek(request.unique, offset);
}

function ioctl(session: Session, request: Request): ReplyLength {
  return session.reply.status(request.unique, -ENOTTY);
}

function refuseWrite(session: Session, request: Request): ReplyLength {
  return session.reply.status(request.unique, -EROFS);
}

/** struct fuse_interrupt_in: unique (u64) of the request that is interrupted. Itself it is not answered. */
function interrupt(session: Session, request: Request): ReplyLength {
  return session.interrupt(request.u64(0));
}

const answered = (minimumBody: number, handle: Handler['handle']): Handler => ({
  minimumBody,
  isAnswered: true,
  handle,
});
const silent = (minimumBody: number, handle: Handler['handle']): Handler => ({
  minimumBody,
  isAnswered: false,
  handle,
});

const table: readonly (readonly [number, Handler])[] = [
  [Opcode.INIT, answered(16, init)],
  [Opcode.DESTROY, answered(0, succeed)],
  [Opcode.LOOKUP, answered(1, lookup)],
  [Opcode.FORGET, silent(8, forget)],
  [Opcode.BATCH_FORGET, silent(8, batchForget)],
  [Opcode.GETATTR, answered(16, getattr)],
  [Opcode.READLINK, answered(0, readlink)],
  [Opcode.OPEN, answered(8, open)],
  [Opcode.RELEASE, answered(24, succeed)],
  [Opcode.OPENDIR, answered(8, opendir)],
  [Opcode.RELEASEDIR, answered(24, succeed)],
  [Opcode.READ, answered(40, read)],
  [Opcode.READDIR, answered(40, list)],
  [Opcode.READDIRPLUS, answered(40, list)],
  [Opcode.GETXATTR, answered(9, getxattr)],
  [Opcode.LISTXATTR, answered(8, listxattr)],
  [Opcode.STATFS, answered(0, statfs)],
  [Opcode.LSEEK, answered(24, lseek)],
  [Opcode.IOCTL, answered(32, ioctl)],
  [Opcode.INTERRUPT, silent(8, interrupt)],
  ...[
    Opcode.SETATTR,
    Opcode.SYMLINK,
    Opcode.MKNOD,
    Opcode.MKDIR,
    Opcode.UNLINK,
    Opcode.RMDIR,
    Opcode.RENAME,
    Opcode.RENAME2,
    Opcode.LINK,
    Opcode.WRITE,
    Opcode.CREATE,
    Opcode.TMPFILE,
    Opcode.SETXATTR,
    Opcode.REMOVEXATTR,
    Opcode.FALLOCATE,
  ].map((opcode) => [opcode, answered(0, refuseWrite)] as const),
];

/** By opcode; undefined where ENOSYS is the answer. */
export const handlers: readonly (Handler | undefined)[] = (() => {
  const byOpcode = new Array<Handler | undefined>(OPCODE_COUNT).fill(undefined);
  for (const [opcode, handler] of table) byOpcode[opcode] = handler;
  return byOpcode;
})();
