// Session: one mount's conversation with the kernel. Each request is answered exactly once.
//
// `handle` is the funnel: whatever a handler does (returns a reply, an errno, a promise, or throws) becomes one
// reply here. A failure that is not an errno is EIO, logged with its stack. The request and reply buffers are
// used again for every message: what a promise needs later is taken out before it is waited for.
import createDebug from 'debug';
import { FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EINTR, EINVAL, EIO, ENOENT, ENOSYS } from '../vfs/errno.ts';
import { type FileSystem, type MaybePromise, type NodeId, newEntry, newStatFs } from '../vfs/filesystem.ts';
import type { Call } from '../vfs/operation.ts';
import { DirectoryReply } from './wire/directory-reply.ts';
import { errnoOf } from './errno-of.ts';
import { handlers } from './handlers/table.ts';
import { InodeNotice } from './wire/inode-notice.ts';
import type { NegotiatedInit } from './wire/negotiate.ts';
import { type BackingPort, OpenFileTable } from './passthrough.ts';
import { IN_HEADER_SIZE, OPCODE_COUNT, Opcode } from './wire/protocol.ts';
import { Reply } from './wire/reply.ts';
import { Request } from './wire/request.ts';

const debug = createDebug('stratafs:fuse');

/** A FileState as the channel takes it; nothing: the file may change. */
type FileStateNumbers = [] | [size: number, mtimeSec: number, mtimeNsec: number];

/** What carries replies that are not written into the reply buffer; the channel is one. */
export interface ReplyPort extends BackingPort {
  /** 0 or a negative errno: -ENOENT where the request is no longer there to be answered. */
  send(reply: Uint8Array, length: number): number;
  sendData(unique: number, bytes: Uint8Array): number;
  sendFile(
    unique: number,
    fd: number,
    position: number,
    length: number,
    mayEnd: boolean,
    ...state: FileStateNumbers
  ): void;
}

/** The state of the conversation. */
export type SessionState =
  | { readonly kind: 'starting' }
  | ({ readonly kind: 'serving' } & Omit<NegotiatedInit, 'kind' | 'minor' | 'passesThrough'>)
  | { readonly kind: 'refused'; readonly reason: string };

/** A handler's answer: the length of the reply in the reply buffer, or 0 where it is sent otherwise or not due. */
export type ReplyLength = number;

/** A request whose promise has not settled. */
interface Pending {
  /** A read has no effect: interrupted, it is answered at once. What changes something is only told of it. */
  readonly isRead: boolean;
  readonly call: Call | undefined;
  readonly settled: Promise<void>;
}

export class Session {
  readonly fileSystem: FileSystem;
  readonly request: Request;
  readonly reply: Reply;
  readonly directory: DirectoryReply;
  readonly books: OpenFileTable;
  /** Filled by the file system, encoded at once, used again. */
  readonly entry = newEntry();
  readonly statfs = newStatFs();
  state: SessionState = { kind: 'starting' };
  /**
   * Asks for POSIX ACLs even where no inode has one: the kernel then keeps the answers (none), so a second `ls -l`
   * sends no request; but it asks about each inode that the caller does not own. Set before INIT.
   */
  cachesMissingAcls = false;
  /** False: the kernel asks for each listing, since it moves an access time (strictatime). Set before INIT. */
  cachesListings = true;
  /** As InitOptions.checksPermissions. Set before INIT. */
  checksPermissions = true;
  /** As InitOptions.maxStackDepth. Set before INIT. */
  maxStackDepth = 0;
  /** Called at once when the state becomes 'serving', before the kernel is told. */
  onServing: () => void = () => undefined;
  /** Called when the state has left 'starting'. */
  onState: () => void = () => undefined;
  /** Requests seen, by opcode. */
  readonly requestCounts = new Float64Array(OPCODE_COUNT);
  /** Bytes answered to READ. */
  bytesRead = 0;
  /** Bytes taken from WRITE. */
  bytesWritten = 0;

  readonly #port: ReplyPort;
  readonly #notice = new InodeNotice();
  readonly #pending = new Map<number, Pending>();
  #hasEnded = false;

  /** Both buffers aligned to 8 and lent for the session's life. */
  constructor(fileSystem: FileSystem, port: ReplyPort, request: Uint8Array, reply: Uint8Array) {
    this.fileSystem = fileSystem;
    this.#port = port;
    this.request = new Request(request);
    this.reply = new Reply(reply);
    this.books = new OpenFileTable(port);
    this.directory = new DirectoryReply(this.reply, this.books);
    if (!fileSystem.isReadOnly) fileSystem.onChangedNodes(() => this.#reportChanged());
  }

  /** Handles the message of `length` bytes in the request buffer. Never throws. */
  handle(length: number): ReplyLength {
    const request = this.request;
    if (!request.load(length)) {
      debug('a message of %d bytes has no whole header (%d): ignored', length, IN_HEADER_SIZE);
      return 0;
    }
    const opcode = request.opcode;
    if (opcode < OPCODE_COUNT) this.requestCounts[opcode] = (this.requestCounts[opcode] as number) + 1;
    const handler = handlers[opcode];
    if (handler === undefined) return this.reply.status(request.unique, -ENOSYS);
    if (request.bodyLength < handler.minimumBody) return this.#malformed(handler.isAnswered);
    if (this.state.kind !== 'serving' && opcode !== Opcode.INIT)
      return this.reply.status(request.unique, -EIO);
    try {
      return handler.handle(this, request);
    } catch (error) {
      return handler.isAnswered ? this.reply.status(request.unique, errnoOf(error)) : 0;
    } finally {
      // After a notice the kernel ignores attributes that it asked for before. The root of an ordinary user's mount has
      // none but those of its first GETATTR: without them nobody could search it.
      const answers = opcode === Opcode.GETATTR || opcode === Opcode.STATX;
      this.#reportChanged(answers ? request.nodeId : undefined);
    }
  }

  /**
   * Answers what changes something, now or when the promise settles: a negative `result` as errno, else what `encode`
   * writes into the reply buffer. It is never answered before it has ended: its effect may stand by then.
   * @param call what an INTERRUPT of the request is told to
   */
  answer(
    unique: number,
    result: MaybePromise<number>,
    call: Call | undefined,
    encode: (result: number) => ReplyLength,
  ): ReplyLength {
    if (typeof result === 'number') return result < 0 ? this.reply.status(unique, result) : encode(result);
    return this.#defer(unique, false, call, result, (settled) =>
      settled < 0 ? this.reply.status(unique, settled) : encode(settled),
    );
  }

  /** `answer` where success is all that there is to say. */
  answerStatus(unique: number, result: MaybePromise<number>, call?: Call): ReplyLength {
    if (typeof result === 'number') return this.reply.status(unique, result);
    return this.answer(unique, result, call, () => this.reply.status(unique, 0));
  }

  /** Answers a READ of request `unique`, now or when the promise settles. */
  answerRead(unique: number, result: ReadResult | Promise<ReadResult>): ReplyLength {
    if (!(result instanceof Promise)) return this.#sendRead(unique, result);
    return this.#defer(unique, true, undefined, result, (settled) => this.#sendRead(unique, settled));
  }

  /**
   * Sends the reply of `length` bytes that stands in the reply buffer: for what the kernel holds from then on (an open,
   * a lookup). `undo` is called where it isn't there to take it (its connection was aborted): it then never gives it back.
   */
  deliver(length: number, undo: () => void): ReplyLength {
    this.#reportChanged();
    if (this.#port.send(this.reply.bytes, length) === -ENOENT) undo();
    return 0;
  }

  /**
   * Makes the kernel forget what attributes it keeps of `node`; its pages stay. For what changes behind an answer that
   * carries no attributes. Sent before that answer, so that who waits for it sees the change.
   */
  invalidateAttributes(node: NodeId): void {
    // -ENOENT: the kernel doesn't know the node.
    this.#port.send(this.#notice.bytes, this.#notice.write(node));
  }

  /**
   * INTERRUPT: the caller of `unique` got a signal. A read that still waits is answered EINTR at once, what it
   * waited for is dropped when it comes; one that was answered already is left alone.
   */
  interrupt(unique: number): ReplyLength {
    const pending = this.#pending.get(unique);
    if (pending === undefined) return 0;
    if (pending.call !== undefined) pending.call.isInterrupted = true;
    if (!pending.isRead) return 0;
    this.#pending.delete(unique);
    return this.reply.status(unique, -EINTR);
  }

  /**
   * The connection is gone: nothing is answered any more, and what goes on is told to stop. Resolves when all that
   * changes something has ended, so that the file system can be closed.
   */
  async end(): Promise<void> {
    this.#hasEnded = true;
    const changes = [...this.#pending.values()].filter(({ isRead }) => !isRead);
    for (const { call } of changes) if (call !== undefined) call.isInterrupted = true;
    await Promise.all(changes.map(({ settled }) => settled));
  }

  /** Requests that change something and have not ended. */
  get pendingChanges(): number {
    let count = 0;
    for (const { isRead } of this.#pending.values()) if (!isRead) count++;
    return count;
  }

  /** Answers with what `encode` makes of the settled result, or with the errno of a failure. */
  #defer<T>(
    unique: number,
    isRead: boolean,
    call: Call | undefined,
    result: Promise<T>,
    encode: (result: T) => ReplyLength,
  ): ReplyLength {
    const settle = (write: () => ReplyLength): void => {
      if (!this.#pending.delete(unique) || this.#hasEnded) return;
      let length: ReplyLength;
      try {
        length = write();
      } catch (error) {
        length = this.reply.status(unique, errnoOf(error));
      }
      this.#reportChanged();
      if (length > 0) this.#port.send(this.reply.bytes, length);
    };
    const settled = result.then(
      (value) => settle(() => encode(value)),
      (error: unknown) => settle(() => this.reply.status(unique, errnoOf(error))),
    );
    this.#pending.set(unique, { isRead, call, settled });
    return 0;
  }

  #sendRead(unique: number, result: ReadResult): ReplyLength {
    if (typeof result === 'number') return this.reply.status(unique, result);
    this.#reportChanged();
    this.bytesRead += result instanceof FileRange ? result.length : result.byteLength;
    if (result instanceof FileRange) {
      if (result.length === 0) return this.reply.status(unique, 0);
      const { fd, position, length, mayEnd, state } = result;
      if (state === undefined) this.#port.sendFile(unique, fd, position, length, mayEnd);
      else {
        const { size, mtimeSec, mtimeNsec } = state;
        this.#port.sendFile(unique, fd, position, length, mayEnd, size, mtimeSec, mtimeNsec);
      }
    } else {
      this.#port.sendData(unique, result);
    }
    return 0;
  }

  /**
   * Before any answer is sent: the kernel drops the attributes that have changed beside what it knows, but those of
   * `answered`, which the answer itself carries.
   */
  #reportChanged(answered?: NodeId): void {
    if (this.fileSystem.isReadOnly) return;
    for (const node of this.fileSystem.takeChangedNodes()) {
      if (node !== answered) this.invalidateAttributes(node);
    }
  }

  #malformed(isAnswered: boolean): ReplyLength {
    const { opcode, unique, bodyLength } = this.request;
    debug('opcode %d with a body of only %d bytes', opcode, bodyLength);
    return isAnswered ? this.reply.status(unique, -EINVAL) : 0;
  }
}
