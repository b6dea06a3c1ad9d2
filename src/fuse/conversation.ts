// Conversation: what the handlers see of a session. They read the request, call the FileSystem, and answer through this.
//
// All that a mount chooses is fixed when the session is made; only `state` moves, once, by the answer to INIT.
import type { ReadResult } from '../vfs/blob-reader.ts';
import type { Entry, FileSystem, MaybePromise, NodeId, StatFs } from '../vfs/filesystem.ts';
import type { Call } from '../vfs/operation.ts';
import type { OwnerView } from './owners/owner-view.ts';
import type { OpenFileTable } from './passthrough.ts';
import type { DirectoryReply } from './wire/directory-reply.ts';
import type { InitOptions, NegotiatedInit } from './wire/negotiate.ts';
import type { Reply } from './wire/reply.ts';

/** The state of the conversation. */
export type SessionState =
  | { readonly kind: 'starting' }
  | ({ readonly kind: 'serving' } & Pick<
      NegotiatedInit,
      'opensWithoutMessage' | 'opensDirectoriesWithoutMessage' | 'setxattrInSize'
    >)
  | { readonly kind: 'refused'; readonly reason: string };

/** A handler's answer: the length of the reply in the reply buffer; 0 if it is sent another way or not due. */
export type ReplyLength = number;

export interface Conversation {
  readonly fileSystem: FileSystem;
  readonly owners: OwnerView;
  readonly initOptions: InitOptions;
  /** False: the kernel must ask for each listing. */
  readonly cachesListings: boolean;
  readonly state: SessionState;
  readonly openFiles: OpenFileTable;

  /** The reply buffer. */
  readonly reply: Reply;
  /** Packs directory entries into the reply buffer. */
  readonly directory: DirectoryReply;
  /** Scratch: filled by the file system and encoded before the handler returns. */
  readonly entry: Entry;
  readonly statfs: StatFs;

  /** INIT succeeded, here or in an earlier daemon: requests are served from now on. */
  begin(agreed: NegotiatedInit): void;
  /** INIT failed: the mount can't be served. */
  refuse(reason: string): void;

  /**
   * Answers a request that changes something, now or when the promise settles: a negative `result` as errno, else what
   * `encode` writes into the reply buffer. It is never answered before it has ended, since its effect may already stand.
   * @param call receives an INTERRUPT of the request
   */
  answer(
    unique: number,
    result: MaybePromise<number>,
    call: Call | undefined,
    encode: (result: number) => ReplyLength,
  ): ReplyLength;
  /** `answer` for a reply without a body. */
  answerStatus(unique: number, result: MaybePromise<number>, call?: Call): ReplyLength;
  /** Answers a READ, now or when the promise settles. */
  answerRead(unique: number, result: ReadResult | Promise<ReadResult>): ReplyLength;
  /**
   * Sends the reply of `length` bytes in the reply buffer: for what the kernel then holds (an open, a lookup). Calls `undo`
   * if the kernel can't take it (the connection was aborted), because then it will never give it back.
   */
  deliver(length: number, undo: () => void): ReplyLength;
  /**
   * Makes the kernel drop its cached attributes of `node`; its pages stay. For a change whose reply carries no attributes.
   * It is sent before that reply, so that the caller who waits for the reply sees the change.
   */
  invalidateAttributes(node: NodeId): void;
  /**
   * INTERRUPT: the caller of request `unique` got a signal. A pending read is answered EINTR at once, and its result is
   * dropped when it comes. A request that was already answered is left alone.
   */
  interrupt(unique: number): ReplyLength;
  /** Adds to the statistics. */
  countWritten(bytes: number): void;
}
