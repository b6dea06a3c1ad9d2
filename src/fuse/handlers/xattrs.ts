// Extended attributes: GETXATTR, LISTXATTR, SETXATTR, REMOVEXATTR.
import { ENODATA, ERANGE } from '../../vfs/errno.ts';
import type { WritableFileSystem } from '../../vfs/filesystem.ts';
import { Opcode, SETXATTR_ACL_KILL_SGID } from '../wire/protocol.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';
import { type HandlerFamily, actor, answered, invalid, writing } from './handler.ts';

/** struct fuse_setxattr_in without FUSE_SETXATTR_EXT. */
const SHORT_SETXATTR_IN = 8;

/** A size of 0 asks how long the value is (getxattr(2)). */
function answerXattr(conversation: Conversation, request: Request, value: Uint8Array | number): ReplyLength {
  const size = request.u32(0);
  if (typeof value === 'number') return conversation.reply.status(request.unique, value);
  if (size === 0) return conversation.reply.xattrSize(request.unique, value.byteLength);
  if (value.byteLength > size) return conversation.reply.status(request.unique, -ERANGE);
  return conversation.reply.copy(request.unique, value);
}

/** struct fuse_getxattr_in: size (u32), padding (u32), then the name. */
function getxattr(conversation: Conversation, request: Request): ReplyLength {
  const name = request.name(8);
  if (name === undefined) return invalid(conversation, request);
  if (name.length === 0) return conversation.reply.status(request.unique, -ENODATA);
  const value = conversation.fileSystem.getxattr(request.nodeId, name);
  const shown = typeof value === 'number' ? value : conversation.owners.showXattr(name, value);
  return answerXattr(conversation, request, shown);
}

function listxattr(conversation: Conversation, request: Request): ReplyLength {
  return answerXattr(conversation, request, conversation.fileSystem.listxattr(request.nodeId));
}

/**
 * struct fuse_setxattr_in: size (u32), flags (u32), and with FUSE_SETXATTR_EXT setxattr_flags (u32), padding; then the
 * name and the value of `size` bytes.
 */
function setxattr(conversation: Conversation, request: Request, fileSystem: WritableFileSystem): ReplyLength {
  const { unique, nodeId, bodyLength } = request;
  const nameAt =
    conversation.state.kind === 'serving' ? conversation.state.setxattrInSize : SHORT_SETXATTR_IN;
  const name = bodyLength > nameAt ? request.name(nameAt) : undefined;
  if (name === undefined) return invalid(conversation, request);
  const size = request.u32(0);
  const valueAt = nameAt + name.length + 1;
  if (name.length === 0 || size > bodyLength - valueAt) return invalid(conversation, request);
  const dropsSetgid =
    nameAt > SHORT_SETXATTR_IN && (request.u32(SHORT_SETXATTR_IN) & SETXATTR_ACL_KILL_SGID) !== 0;
  const call = actor(conversation, request);
  const value = conversation.owners.storeXattr(name, request.bytes(valueAt, size));
  if (typeof value === 'number') return conversation.reply.status(unique, value);
  const result = fileSystem.setxattr(nodeId, name, value, request.u32(4), dropsSetgid, call);
  return conversation.answerStatus(unique, result, call);
}

function removexattr(
  conversation: Conversation,
  request: Request,
  fileSystem: WritableFileSystem,
): ReplyLength {
  const name = request.name(0);
  if (name === undefined || name.length === 0) return invalid(conversation, request);
  const call = actor(conversation, request);
  return conversation.answerStatus(request.unique, fileSystem.removexattr(request.nodeId, name, call), call);
}

export const xattrHandlers: HandlerFamily = [
  [Opcode.GETXATTR, answered(9, getxattr)],
  [Opcode.LISTXATTR, answered(8, listxattr)],
  [Opcode.SETXATTR, writing(SHORT_SETXATTR_IN + 1, setxattr)],
  [Opcode.REMOVEXATTR, writing(1, removexattr)],
];
