// What concerns the connection or the file system as a whole: INIT, DESTROY, INTERRUPT, STATFS.
import { EINVAL } from '../../vfs/errno.ts';
import { initReplySize, negotiate } from '../wire/negotiate.ts';
import { Opcode } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { ReplyLength, Session } from '../session.ts';
import { type HandlerFamily, answered, silent, succeed } from './handler.ts';

function init(session: Session, request: Request): ReplyLength {
  const { fileSystem, checksPermissions, maxStackDepth } = session;
  const outcome = negotiate(request, session.reply, {
    isReadOnly: fileSystem.isReadOnly,
    wantsAcls: fileSystem.hasPosixAcl || session.cachesMissingAcls,
    checksPermissions,
    maxStackDepth,
    writesBack: false,
  });
  if (outcome.kind === 'again') return session.reply.finish(request.unique, initReplySize);
  if (outcome.kind === 'refused') {
    session.state = { kind: 'refused', reason: outcome.reason };
    session.onState();
    return session.reply.status(request.unique, -EINVAL);
  }
  const { opensWithoutMessage, opensDirectoriesWithoutMessage, setxattrInSize, passesThrough } = outcome;
  session.state = { kind: 'serving', opensWithoutMessage, opensDirectoriesWithoutMessage, setxattrInSize };
  session.books.mayPassThrough = passesThrough;
  session.onServing();
  // The reply is written by our caller before anything that waits for the state can run.
  queueMicrotask(session.onState);
  return session.reply.finish(request.unique, initReplySize);
}

/** struct fuse_interrupt_in: unique (u64) of the request that is interrupted. Itself it is not answered. */
function interrupt(session: Session, request: Request): ReplyLength {
  return session.interrupt(request.u64(0));
}

function statfs(session: Session, request: Request): ReplyLength {
  const status = session.fileSystem.statfs(session.statfs);
  return status === 0
    ? session.reply.statfs(request.unique, session.statfs)
    : session.reply.status(request.unique, status);
}

export const connectionHandlers: HandlerFamily = [
  [Opcode.INIT, answered(16, init)],
  [Opcode.DESTROY, answered(0, succeed)],
  [Opcode.INTERRUPT, silent(8, interrupt)],
  [Opcode.STATFS, answered(0, statfs)],
];
