// The bytes of files: READ, WRITE, LSEEK, FSYNC, FALLOCATE, COPY_FILE_RANGE.
//
// A position that a JavaScript number can't hold exactly is refused with EFBIG: nothing is ever written beside the place
// that was meant. No file is that long, so a read there finds nothing in any case.
import { EFBIG, ENOSYS } from '../../vfs/errno.ts';
import type { NodeId, WritableFileSystem } from '../../vfs/filesystem.ts';
import { FSYNC_FDATASYNC, MAX_COPY, MAX_TRANSFER, Opcode, WRITE_KILL_SUIDGID } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, actor, answered, invalid, writing } from './handler.ts';

const WRITE_IN_SIZE = 40;

/** struct fuse_read_in: fh (u64), offset (u64), size (u32), and what only writers need. */
function read(conversation: Conversation, request: Request): ReplyLength {
  const size = Math.min(request.u32(16), MAX_TRANSFER);
  return conversation.answerRead(
    request.unique,
    conversation.fileSystem.read(request.nodeId, request.u64(8), size),
  );
}

/**
 * struct fuse_write_in: fh (u64), offset (u64), size (u32), write_flags (u32), lock_owner (u64), flags (u32), padding;
 * then the bytes.
 */
function write(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { unique, nodeId } = request;
  const offset = request.u64(8);
  const size = request.u32(16);
  if (size > request.bodyLength - WRITE_IN_SIZE) return invalid(conversation, request);
  if (!Number.isSafeInteger(offset + size)) return conversation.reply.status(unique, -EFBIG);
  const isKilling = (request.u32(20) & WRITE_KILL_SUIDGID) !== 0 && conversation.owners.killsPrivileges;
  const killer = isKilling ? actor(conversation, request) : undefined;
  const result = fileSystem.write(nodeId, offset, request.bytes(WRITE_IN_SIZE, size), killer);
  return conversation.answer(unique, result, undefined, (written) => {
    conversation.countWritten(written);
    if (killer !== undefined) reportKilled(conversation, nodeId);
    return conversation.reply.written(unique, written);
  });
}

/** Set-ID bits may be gone. After a write the kernel asks anew for times and size, but not for the mode. */
function reportKilled(conversation: Conversation, node: NodeId): void {
  if (conversation.openFiles.mustReportKilled(node)) conversation.invalidateAttributes(node);
}

/** struct fuse_lseek_in: fh (u64), offset (u64), whence (u32), padding. */
function lseek(conversation: Conversation, request: Request): ReplyLength {
  const offset = conversation.fileSystem.seek(request.nodeId, request.u64(8), request.u32(16));
  return offset < 0
    ? conversation.reply.status(request.unique, offset)
    : conversation.reply.offset(request.unique, offset);
}

/** struct fuse_fsync_in: fh (u64), fsync_flags (u32), padding. FSYNCDIR has the same. */
export function sync(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
): ReplyLength {
  const isDataOnly = (request.u32(8) & FSYNC_FDATASYNC) !== 0;
  return conversation.answerStatus(request.unique, fileSystem.fsync(request.nodeId, isDataOnly));
}

/** struct fuse_fallocate_in: fh (u64), offset (u64), length (u64), mode (u32), padding. */
function fallocate(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
): ReplyLength {
  const { unique, nodeId } = request;
  const offset = request.u64(8);
  const length = request.u64(16);
  if (!Number.isSafeInteger(offset + length)) return conversation.reply.status(unique, -EFBIG);
  const call = actor(conversation, request);
  const result = fileSystem.fallocate(nodeId, request.u32(24), offset, length, call);
  return conversation.answer(unique, result, call, () => {
    // Whether it kills set-ID bits is the file system's to decide here: the kernel doesn't say.
    if (call.uid !== 0) reportKilled(conversation, nodeId);
    return conversation.reply.status(unique, 0);
  });
}

/**
 * struct fuse_copy_file_range_in: fh_in (u64), off_in (u64), nodeid_out (u64), fh_out (u64), off_out (u64), len (u64),
 * flags (u64). The _64 kind (7.45) differs in its answer alone, so that it may report more bytes.
 */
function copyFileRange(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
): ReplyLength {
  const { unique, nodeId, opcode } = request;
  const fromOffset = request.u64(8);
  const to = request.u64(16) as NodeId;
  const toOffset = request.u64(32);
  const length = Math.min(request.u64(40), MAX_COPY);
  if (!Number.isSafeInteger(fromOffset + length) || !Number.isSafeInteger(toOffset + length)) {
    return conversation.reply.status(unique, -EFBIG);
  }
  const result = fileSystem.copyFileRange(nodeId, fromOffset, to, toOffset, length);
  return conversation.answer(unique, result, undefined, (copied) =>
    opcode === Opcode.COPY_FILE_RANGE_64
      ? conversation.reply.offset(unique, copied)
      : conversation.reply.written(unique, copied),
  );
}

export const contentHandlers: HandlerFamily = [
  [Opcode.READ, answered(40, read)],
  [Opcode.WRITE, writing(WRITE_IN_SIZE, write)],
  [Opcode.LSEEK, answered(24, lseek)],
  [Opcode.FSYNC, writing(16, sync, ENOSYS)],
  [Opcode.FALLOCATE, writing(32, fallocate)],
  [Opcode.COPY_FILE_RANGE, writing(56, copyFileRange, ENOSYS)],
  [Opcode.COPY_FILE_RANGE_64, writing(56, copyFileRange, ENOSYS)],
];
