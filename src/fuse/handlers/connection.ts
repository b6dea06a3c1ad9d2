// What concerns the connection or the file system as a whole: INIT, DESTROY, INTERRUPT, STATFS.
import { EINVAL } from '../../vfs/errno.ts';
import { initReplySize, negotiate } from '../wire/negotiate.ts';
import { Opcode } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, answered, silent, succeed } from './handler.ts';

function init(conversation: Conversation, request: Request): ReplyLength {
  const { reply, initOptions } = conversation;
  const outcome = negotiate(request, reply, initOptions);
  if (outcome.kind === 'refused') {
    conversation.refuse(outcome.reason);
    return reply.status(request.unique, -EINVAL);
  }
  if (outcome.kind === 'agreed') conversation.begin(outcome);
  return reply.finish(request.unique, initReplySize);
}

/** struct fuse_interrupt_in: unique (u64) of the request that is interrupted. Itself it is not answered. */
function interrupt(conversation: Conversation, request: Request): ReplyLength {
  return conversation.interrupt(request.uniqueAt(0));
}

function statfs(conversation: Conversation, request: Request): ReplyLength {
  const status = conversation.fileSystem.statfs(conversation.statfs);
  return status === 0
    ? conversation.reply.statfs(request.unique, conversation.statfs)
    : conversation.reply.status(request.unique, status);
}

export const connectionHandlers: HandlerFamily = [
  [Opcode.INIT, answered(16, init)],
  [Opcode.DESTROY, answered(0, succeed)],
  [Opcode.INTERRUPT, silent(8, interrupt)],
  [Opcode.STATFS, answered(0, statfs)],
];
