// What a handler is: one a request kind, from the kernel's message to a call of the FileSystem and back.
import { EINVAL, EROFS } from '../../vfs/errno.ts';
import type { WritableFileSystem } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import type { Request } from '../wire/request.ts';
import type { Conversation, ReplyLength } from '../conversation.ts';

export interface Handler {
  /** Bytes of the request's fixed part: a shorter body is answered EINVAL. */
  readonly minimumBody: number;
  /** False for the messages that the kernel wants no reply to. */
  readonly isAnswered: boolean;
  readonly handle: (conversation: Conversation, request: Request) => ReplyLength;
}

/** Handlers by opcode. */
export type HandlerFamily = readonly (readonly [number, Handler])[];

export const answered = (minimumBody: number, handle: Handler['handle']): Handler => ({
  minimumBody,
  isAnswered: true,
  handle,
});

export const silent = (minimumBody: number, handle: Handler['handle']): Handler => ({
  minimumBody,
  isAnswered: false,
  handle,
});

/** What only a writable file system can do; of a read-only one it is refused with `refusal`. */
export const writing = (
  minimumBody: number,
  handle: (conversation: Conversation, request: Request, fileSystem: WritableFileSystem) => ReplyLength,
  refusal = EROFS,
): Handler =>
  answered(minimumBody, (conversation, request) => {
    const { fileSystem } = conversation;
    return fileSystem.isReadOnly
      ? conversation.reply.status(request.unique, -refusal)
      : handle(conversation, request, fileSystem);
  });

/** The caller, for a request that makes nothing. */
export const actor = ({ owners }: Conversation, request: Request): Call => owners.actorOf(request.call());

export const invalid = (conversation: Conversation, request: Request): ReplyLength =>
  conversation.reply.status(request.unique, -EINVAL);

export const succeed = (conversation: Conversation, request: Request): ReplyLength =>
  conversation.reply.status(request.unique, 0);
