// Session: one mount's conversation with the kernel. Each request is answered exactly once.
//
// `handle` is the funnel: whatever a handler does (returns a reply, an errno, a promise, or throws) becomes one
// reply here. A failure that is not an errno is EIO, logged with its stack. The request and reply buffers are
// used again for every message: what a promise needs later is taken out before it is waited for.
import createDebug from 'debug';
import { Attr } from '../vfs/attr.ts';
import { FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EINTR, EINVAL, EIO, ENOSYS, ErrnoError } from '../vfs/errno.ts';
import type { Entry, FileSystem, NodeId, StatFs } from '../vfs/filesystem.ts';
import { DirectoryReply } from './directory-reply.ts';
import { handlers } from './handlers.ts';
import type { Agreement } from './negotiate.ts';
import { IN_HEADER_SIZE, OPCODE_COUNT, Opcode } from './protocol.ts';
import { Reply } from './reply.ts';
import { Request } from './request.ts';

const debug = createDebug('stratafs:fuse');

/** What carries replies that are not written into the reply buffer; the channel is one. */
export interface ReplyPort {
  send(reply: Uint8Array, length: number): void;
  sendData(unique: number, bytes: Uint8Array): number;
  sendFile(unique: number, fd: number, position: number, length: number, mayEnd: boolean): void;
}

/** The state of the conversation. */
export type SessionState =
  | { readonly kind: 'starting' }
  | ({ readonly kind: 'serving' } & Pick<Agreement, 'opensWithoutMessage' | 'opensDirectoriesWithoutMessage'>)
  | { readonly kind: 'refused'; readonly reason: string };

/** A handler's answer: the length of the reply in the reply buffer, or 0 where it is sent otherwise or not due. */
export type ReplyLength = number;

export class Session {
  readonly fileSystem: FileSystem;
  readonly request: Request;
  readonly reply: Reply;
  readonly directory: DirectoryReply;
  /** Filled by the file system, encoded at once, used again. */
  readonly entry: Entry = { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };
  readonly statfs: StatFs = {
    blocks: 0,
    blocksFree: 0,
    blocksAvailable: 0,
    files: 0,
    filesFree: 0,
    blockSize: 0,
    nameLength: 0,
  };
  state: SessionState = { kind: 'starting' };
  /**
   * Asks for POSIX ACLs even where no inode has one: the kernel then keeps the answers (none), so a second `ls -l`
   * sends no request; but it asks about each inode that the caller does not own. Set before INIT.
   */
  cachesMissingAcls = false;
  /** Called when the state has left 'starting'. */
  onState: () => void = () => undefined;
  /** Requests seen, by opcode. */
  readonly requestCounts = new Float64Array(OPCODE_COUNT);
  /** Bytes answered to READ. */
  bytesRead = 0;

  readonly #port: ReplyPort;
  /** Uniques of the requests whose promise is not settled yet. */
  readonly #deferred = new Set<number>();

  /** Both buffers aligned to 8 and lent for the session's life. */
  constructor(fileSystem: FileSystem, port: ReplyPort, request: Uint8Array, reply: Uint8Array) {
    this.fileSystem = fileSystem;
    this.#port = port;
    this.request = new Request(request);
    this.reply = new Reply(reply);
    this.directory = new DirectoryReply(this.reply);
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
    if (request.bodyLength < handler.minimumBody) return this.#malformed();
    if (this.state.kind !== 'serving' && opcode !== Opcode.INIT)
      return this.reply.status(request.unique, -EIO);
    try {
      return handler.handle(this, request);
    } catch (error) {
      return handler.isAnswered ? this.reply.status(request.unique, this.errnoOf(error)) : 0;
    }
  }

  /** Answers a READ of request `unique`, now or when the promise settles. */
  answerRead(unique: number, result: ReadResult | Promise<ReadResult>): ReplyLength {
    if (!(result instanceof Promise)) return this.#sendRead(unique, result);
    this.#deferred.add(unique);
    result.then(
      (settled) => this.#settle(unique, settled),
      (error: unknown) => this.#settle(unique, this.errnoOf(error)),
    );
    return 0;
  }

  /**
   * INTERRUPT: the caller of `unique` got a signal. A request that still waits is answered EINTR at once, what it
   * waited for is dropped when it comes; one that was answered already is left alone.
   */
  interrupt(unique: number): ReplyLength {
    return this.#deferred.delete(unique) ? this.reply.status(unique, -EINTR) : 0;
  }

  /** The negative errno of a failure; what is no errno is logged and becomes EIO. */
  errnoOf(error: unknown): number {
    if (error instanceof ErrnoError) return error.errno;
    debug('request failed: %O', error);
    return -EIO;
  }

  #settle(unique: number, result: ReadResult): void {
    if (!this.#deferred.delete(unique)) return;
    const length = this.#sendRead(unique, result);
    if (length > 0) this.#port.send(this.reply.bytes, length);
  }

  #sendRead(unique: number, result: ReadResult): ReplyLength {
    if (typeof result === 'number') return this.reply.status(unique, result);
    this.bytesRead += result instanceof FileRange ? result.length : result.byteLength;
    if (result instanceof FileRange) {
      if (result.length === 0) return this.reply.status(unique, 0);
      this.#port.sendFile(unique, result.fd, result.position, result.length, result.mayEnd);
    } else {
      this.#port.sendData(unique, result);
    }
    return 0;
  }

  #malformed(): ReplyLength {
    const { opcode, unique, bodyLength } = this.request;
    debug('opcode %d with a body of only %d bytes', opcode, bodyLength);
    return handlers[opcode]?.isAnswered === false ? 0 : this.reply.status(unique, -EINVAL);
  }
}
