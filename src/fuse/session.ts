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
import type { Conversation, ReplyLength, SessionState } from './conversation.ts';
import { DirectoryReply } from './wire/directory-reply.ts';
import { errnoOf } from './errno-of.ts';
import { handlers } from './handlers/table.ts';
import { type OwnerView, ownersAsStored } from './owners/owner-view.ts';
import { InodeNotice } from './wire/inode-notice.ts';
import type { InitOptions, NegotiatedInit } from './wire/negotiate.ts';
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

/** What a mount chooses. */
export interface SessionOptions {
  /** By default owners are shown as they are stored. */
  readonly owners?: OwnerView | undefined;
  /** False: the ACLs of inodes are plain xattrs. */
  readonly obeysAcls?: boolean | undefined;
  /** As InitOptions.checksPermissions; true by default. */
  readonly checksPermissions?: boolean | undefined;
  /**
   * True: POSIX ACLs are negotiated even if no inode has one. The kernel then caches the answers (none), so a second `ls -l`
   * sends no request; but it asks about each inode that the caller does not own.
   */
  readonly cachesMissingAcls?: boolean | undefined;
  /** False: the kernel asks for each listing, because a listing moves an access time (strictatime). */
  readonly cachesListings?: boolean | undefined;
  /** As InitOptions.maxStackDepth; 0 by default. */
  readonly maxStackDepth?: number | undefined;
  /** Called when INIT has succeeded, before the kernel gets the reply. */
  readonly onServing?: (() => void) | undefined;
}

/** A request whose promise has not settled. */
interface Pending {
  /** A read has no effect: interrupted, it is answered at once. A change only gets the signal. */
  readonly isRead: boolean;
  readonly call: Call | undefined;
  readonly settled: Promise<void>;
}

export class Session implements Conversation {
  readonly fileSystem: FileSystem;
  readonly owners: OwnerView;
  readonly initOptions: InitOptions;
  readonly cachesListings: boolean;
  readonly request: Request;
  readonly reply: Reply;
  readonly directory: DirectoryReply;
  readonly openFiles: OpenFileTable;
  readonly entry = newEntry();
  readonly statfs = newStatFs();
  /** Resolves when the state has left 'starting'. */
  readonly started: Promise<void>;
  /** Requests seen, by opcode. */
  readonly requestCounts = new Float64Array(OPCODE_COUNT);
  /** Bytes answered to READ. */
  bytesRead = 0;
  /** Bytes taken from WRITE. */
  bytesWritten = 0;

  readonly #port: ReplyPort;
  readonly #onServing: () => void;
  readonly #notice = new InodeNotice();
  readonly #pending = new Map<number, Pending>();
  #negotiated: NegotiatedInit | undefined;
  #state: SessionState = { kind: 'starting' };
  #resolveStarted: () => void = () => undefined;
  #hasEnded = false;

  /** Both buffers aligned to 8 and lent for the session's life. */
  constructor(
    fileSystem: FileSystem,
    port: ReplyPort,
    request: Uint8Array,
    reply: Uint8Array,
    options: SessionOptions = {},
  ) {
    this.fileSystem = fileSystem;
    this.owners = options.owners ?? ownersAsStored;
    this.initOptions = {
      isReadOnly: fileSystem.isReadOnly,
      wantsAcls:
        (options.obeysAcls ?? true) && (fileSystem.hasPosixAcl || (options.cachesMissingAcls ?? false)),
      checksPermissions: options.checksPermissions ?? true,
      maxStackDepth: options.maxStackDepth ?? 0,
      writesBack: false,
    };
    this.cachesListings = options.cachesListings ?? true;
    this.#onServing = options.onServing ?? (() => undefined);
    this.started = new Promise((resolve) => (this.#resolveStarted = resolve));
    this.#port = port;
    this.request = new Request(request);
    this.reply = new Reply(reply, this.owners);
    this.openFiles = new OpenFileTable(port);
    this.directory = new DirectoryReply(this.reply, this.openFiles);
    if (!fileSystem.isReadOnly) fileSystem.onChangedNodes(() => this.#reportChanged());
  }

  get state(): SessionState {
    return this.#state;
  }

  begin(negotiated: NegotiatedInit): void {
    const { opensWithoutMessage, opensDirectoriesWithoutMessage, setxattrInSize, passesThrough } = negotiated;
    this.#negotiated = negotiated;
    this.#state = { kind: 'serving', opensWithoutMessage, opensDirectoriesWithoutMessage, setxattrInSize };
    this.openFiles.mayPassThrough = passesThrough;
    this.#onServing();
    // Code that awaits it runs in a microtask, after the reply is written.
    this.#resolveStarted();
  }

  /** What INIT agreed on; undefined before. */
  get negotiated(): NegotiatedInit | undefined {
    return this.#negotiated;
  }

  refuse(reason: string): void {
    this.#state = { kind: 'refused', reason };
    this.#resolveStarted();
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
    if (this.#state.kind !== 'serving' && opcode !== Opcode.INIT)
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

  answerStatus(unique: number, result: MaybePromise<number>, call?: Call): ReplyLength {
    if (typeof result === 'number') return this.reply.status(unique, result);
    return this.answer(unique, result, call, () => this.reply.status(unique, 0));
  }

  answerRead(unique: number, result: ReadResult | Promise<ReadResult>): ReplyLength {
    if (!(result instanceof Promise)) return this.#sendRead(unique, result);
    return this.#defer(unique, true, undefined, result, (settled) => this.#sendRead(unique, settled));
  }

  deliver(length: number, undo: () => void): ReplyLength {
    this.#reportChanged();
    if (this.#port.send(this.reply.bytes, length) === -ENOENT) undo();
    return 0;
  }

  invalidateAttributes(node: NodeId): void {
    // -ENOENT: the kernel doesn't know the node.
    this.#port.send(this.#notice.bytes, this.#notice.write(node));
  }

  interrupt(unique: number): ReplyLength {
    const pending = this.#pending.get(unique);
    if (pending === undefined) return 0;
    if (pending.call !== undefined) pending.call.isInterrupted = true;
    if (!pending.isRead) return 0;
    this.#pending.delete(unique);
    return this.reply.status(unique, -EINTR);
  }

  countWritten(bytes: number): void {
    this.bytesWritten += bytes;
  }

  /**
   * The connection is gone: nothing is answered any more, and pending changes get the interrupt. Resolves when all that
   * changes something has ended, so that the file system can be closed.
   */
  async end(): Promise<void> {
    this.#hasEnded = true;
    const changes = [...this.#pending.values()].filter(({ isRead }) => !isRead);
    for (const { call } of changes) if (call !== undefined) call.isInterrupted = true;
    await Promise.all(changes.map(({ settled }) => settled));
  }

  /** Resolves when all that was asked so far is answered, or handed to a pool thread. */
  async answered(): Promise<void> {
    await Promise.all([...this.#pending.values()].map(({ settled }) => settled));
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
