// IOCTL: the inode flags of chattr(1) and lsattr(1), and nothing else.
//
// Linux 5.14 and later ask by FS_IOC_FSGETXATTR what the flags are before they set any by FS_IOC_SETFLAGS, so that is
// answered from the same flags, and FS_IOC_FSSETXATTR sets them. ENOTTY is what a file system says to an ioctl that it
// hasn't.
import { EOPNOTSUPP, ENOTTY } from '../../vfs/errno.ts';
import type { FileSystem, MaybePromise, WritableFileSystem } from '../../vfs/filesystem.ts';
import { Opcode } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, actor, answered } from './handler.ts';

const IOCTL_IN_SIZE = 32;
/** As a 64-bit and a 32-bit process spell them. Their argument is an int in both. */
const FS_IOC_GETFLAGS: readonly number[] = [0x80086601, 0x80046601];
const FS_IOC_SETFLAGS: readonly number[] = [0x40086602, 0x40046602];
const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
/** struct fsxattr: xflags, extsize, nextents, projid, cowextsize (u32 each), padding: XFS and project quotas have the rest. */
const FSXATTR_SIZE = 28;
/** FS_*_FL and FS_XFLAG_* of one meaning (fileattr_fill_flags of fs/file_attr.c): SYNC, IMMUTABLE, APPEND, NODUMP, ... */
const XFLAGS: readonly (readonly [number, number])[] = [
  [0x08, 0x20],
  [0x10, 0x08],
  [0x20, 0x10],
  [0x40, 0x80],
  [0x80, 0x40],
  [0x0200_0000, 0x8000], // DAX
  [0x2000_0000, 0x200], // PROJINHERIT
];

/**
 * struct fuse_ioctl_in: fh (u64), flags (u32), cmd (u32), arg (u64), in_size (u32), out_size (u32); then in_size bytes.
 */
function ioctl(conversation: Conversation, request: Request): ReplyLength {
  const { fileSystem } = conversation;
  const command = request.u32(12);
  const outSize = request.u32(28);
  if (FS_IOC_GETFLAGS.includes(command) && outSize >= 4) return getFlags(conversation, request, fileSystem);
  if (command === FS_IOC_FSGETXATTR && outSize >= FSXATTR_SIZE) {
    return getXflags(conversation, request, fileSystem);
  }
  if (!fileSystem.isReadOnly) {
    if (FS_IOC_SETFLAGS.includes(command) && request.bodyLength >= IOCTL_IN_SIZE + 4) {
      return setFlags(conversation, request, fileSystem, request.u32(IOCTL_IN_SIZE));
    }
    if (command === FS_IOC_FSSETXATTR && request.bodyLength >= IOCTL_IN_SIZE + FSXATTR_SIZE) {
      return setXflags(conversation, request, fileSystem);
    }
  }
  return conversation.reply.status(request.unique, -ENOTTY);
}

function getFlags(conversation: Conversation, request: Request, fileSystem: FileSystem): ReplyLength {
  const { unique, nodeId } = request;
  return conversation.answer(unique, fileSystem.getFlags(nodeId), undefined, (flags) =>
    conversation.reply.ioctl(unique, flags, 4),
  );
}

function getXflags(conversation: Conversation, request: Request, fileSystem: FileSystem): ReplyLength {
  const { unique, nodeId } = request;
  return conversation.answer(unique, fileSystem.getFlags(nodeId), undefined, (flags) => {
    const xflags = XFLAGS.reduce((bits, [flag, xflag]) => ((flags & flag) === 0 ? bits : bits | xflag), 0);
    return conversation.reply.ioctl(unique, xflags, FSXATTR_SIZE);
  });
}

function setFlags(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
  flags: MaybePromise<number>,
): ReplyLength {
  const { unique, nodeId } = request;
  const call = actor(conversation, request);
  const set = (wanted: number): MaybePromise<number> =>
    wanted < 0 ? wanted : fileSystem.setFlags(nodeId, wanted, call);
  const done = typeof flags === 'number' ? set(flags) : flags.then(set);
  return conversation.answer(unique, done, call, () => {
    // The kernel doesn't know that ctime has moved.
    conversation.invalidateAttributes(nodeId);
    return conversation.reply.ioctl(unique, 0, 0);
  });
}

/** What only XFS and project quotas have can't be set; flags that have no xflag stay. */
function setXflags(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
): ReplyLength {
  const [xflags, extentSize, , project, cowExtentSize] = [0, 4, 8, 12, 16].map((offset) =>
    request.u32(IOCTL_IN_SIZE + offset),
  ) as [number, number, number, number, number];
  const supported = XFLAGS.reduce((bits, [, xflag]) => bits | xflag, 0);
  if ((xflags & ~supported) !== 0 || extentSize !== 0 || project !== 0 || cowExtentSize !== 0) {
    return conversation.reply.status(request.unique, -EOPNOTSUPP);
  }
  const change = (flags: number): number =>
    flags < 0
      ? flags
      : XFLAGS.reduce((bits, [flag, xflag]) => ((xflags & xflag) === 0 ? bits & ~flag : bits | flag), flags);
  const flags = fileSystem.getFlags(request.nodeId);
  return setFlags(
    conversation,
    request,
    fileSystem,
    typeof flags === 'number' ? change(flags) : flags.then(change),
  );
}

export const inodeFlagHandlers: HandlerFamily = [[Opcode.IOCTL, answered(IOCTL_IN_SIZE, ioctl)]];
