// Directories as they are read: OPENDIR, RELEASEDIR, READDIR, READDIRPLUS, FSYNCDIR.
import { ENOSYS } from '../../vfs/errno.ts';
import { Opcode, OpenFlag } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { sync } from './content.ts';
import { type HandlerFamily, answered, succeed, writing } from './handler.ts';

/**
 * If each listing counts, the kernel must not cache it. If the kernel supports it, ENOSYS makes it open by itself from now
 * on, with all caches kept.
 */
function opendir(conversation: Conversation, request: Request): ReplyLength {
  if (!conversation.cachesListings) return conversation.reply.open(request.unique, 0);
  return conversation.state.kind === 'serving' && conversation.state.opensDirectoriesWithoutMessage
    ? conversation.reply.status(request.unique, -ENOSYS)
    : conversation.reply.open(request.unique, OpenFlag.KEEP_CACHE | OpenFlag.CACHE_DIR);
}

/** struct fuse_read_in, of a directory: offset is the cookie. */
function list(conversation: Conversation, request: Request): ReplyLength {
  const { directory } = conversation;
  directory.begin(request.u32(16), request.opcode === Opcode.READDIRPLUS);
  const status = conversation.fileSystem.readdir(request.nodeId, request.u64(8), directory);
  return status === 0 ? directory.finish(request.unique) : conversation.reply.status(request.unique, status);
}

export const directoryHandlers: HandlerFamily = [
  [Opcode.OPENDIR, answered(8, opendir)],
  [Opcode.RELEASEDIR, answered(24, succeed)],
  [Opcode.READDIR, answered(40, list)],
  [Opcode.READDIRPLUS, answered(40, list)],
  [Opcode.FSYNCDIR, writing(16, sync, ENOSYS)],
];
