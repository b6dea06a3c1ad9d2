// Extended attributes: GETXATTR, LISTXATTR, SETXATTR, REMOVEXATTR.
import { ENODATA, ERANGE } from '../../vfs/errno.ts';
import type { WritableFileSystem } from '../../vfs/filesystem.ts';
import { Opcode, SETXATTR_ACL_KILL_SGID } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { ReplyLength, Session } from '../session.ts';
import { type HandlerFamily, answered, invalid, writing } from './handler.ts';

/** struct fuse_setxattr_in without FUSE_SETXATTR_EXT. */
const SHORT_SETXATTR_IN = 8;

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
  if (name === undefined) return invalid(session, request);
  const value = name.length === 0 ? -ENODATA : session.fileSystem.getxattr(request.nodeId, name);
  return answerXattr(session, request, value);
}

function listxattr(session: Session, request: Request): ReplyLength {
  return answerXattr(session, request, session.fileSystem.listxattr(request.nodeId));
}

/**
 * struct fuse_setxattr_in: size (u32), flags (u32), and with FUSE_SETXATTR_EXT setxattr_flags (u32), padding; then the
 * name and the value of `size` bytes.
 */
function setxattr(session: Session, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { unique, nodeId, bodyLength } = request;
  const nameAt = session.state.kind === 'serving' ? session.state.setxattrInSize : SHORT_SETXATTR_IN;
  const name = bodyLength > nameAt ? request.name(nameAt) : undefined;
  if (name === undefined) return invalid(session, request);
  const size = request.u32(0);
  const valueAt = nameAt + name.length + 1;
  if (name.length === 0 || size > bodyLength - valueAt) return invalid(session, request);
  const dropsSetgid =
    nameAt > SHORT_SETXATTR_IN && (request.u32(SHORT_SETXATTR_IN) & SETXATTR_ACL_KILL_SGID) !== 0;
  const call = request.call();
  const value = request.bytes(valueAt, size);
  const result = fileSystem.setxattr(nodeId, name, value, request.u32(4), dropsSetgid, call);
  return session.answerStatus(unique, result, call);
}

function removexattr(session: Session, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const name = request.name(0);
  if (name === undefined || name.length === 0) return invalid(session, request);
  const call = request.call();
  return session.answerStatus(request.unique, fileSystem.removexattr(request.nodeId, name, call), call);
}

export const xattrHandlers: HandlerFamily = [
  [Opcode.GETXATTR, answered(9, getxattr)],
  [Opcode.LISTXATTR, answered(8, listxattr)],
  [Opcode.SETXATTR, writing(SHORT_SETXATTR_IN + 1, setxattr)],
  [Opcode.REMOVEXATTR, writing(1, removexattr)],
];
