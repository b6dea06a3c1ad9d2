// PartialBlob: a blob of which only a part may be here, and the gate that its readers wait at.
//
// The bytes lie in a sparse file at their own offsets. `have` answers whether a range is here; if not, it fetches the
// chunks that are missing. A reader that `have` let pass reads the descriptor with pread(2), like any other file.
// The blob's own digest can be checked only when it is whole. A reader of a part needs the digests of the chunks: with
// them a chunk is verified when it arrives, or, if an earlier run brought it, before it is used first. A wrong chunk is
// fetched again, from another server if there is one. A whole blob with another digest answers EIO from then on, and its
// file is removed.
import { type Hash, createHash } from 'node:crypto';
import { fdatasync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { EIO, ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { CHUNK_SIZE, chunksOf } from '../vfs/chunks.ts';
import { ChunkFetches, type Urgency } from './chunk-fetches.ts';
import type { BlobKey } from './chunk-map.ts';
import { ChunkState, ChunkStates } from './chunk-states.ts';
import { digestOfFile } from './file-digest.ts';
import { PartFile } from './part-file.ts';
import type { RangeSource } from './range-source.ts';
import { RangeSources } from './range-sources.ts';

const sync = promisify(fdatasync);
const readAt = promisify(read);
const writeAt = promisify(write);

/** After so many new chunks (16 MiB) they are synced and recorded. A crash loses no more than these. */
const CHUNKS_PER_RECORD = 256;

/** Requests for one chunk whose bytes are wrong each time. */
const MAX_ROUNDS = 3;

export interface PartialBlobOptions {
  /** Gets the number of bytes that are here, whenever a chunk has come. */
  readonly onArrival?: ((bytes: number) => void) | undefined;
  /** The sha256 of each chunk, one after the other; undefined: chunks are not verified, only the whole is. */
  readonly chunkSha256?: Uint8Array | undefined;
  /**
   * True: the readers verify what they make of the bytes, and `reject` those that are wrong. A whole blob with another digest
   * is fetched again, a few times.
   */
  readonly isVerifiedByReaders?: boolean | undefined;
}

export class PartialBlob {
  readonly key: BlobKey;
  readonly #file: PartFile;
  readonly #source = new RangeSources();
  readonly #options: PartialBlobOptions;
  readonly #chunks: ChunkStates;
  readonly #fetches: ChunkFetches;
  readonly #stop = new AbortController();
  #unrecorded: number[] = [];
  /** Calls that wait for bytes. */
  readonly #bringing = new Set<Promise<void>>();
  #completing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #state: 'partial' | 'whole' | 'corrupt' = 'partial';

  private constructor(
    key: BlobKey,
    source: RangeSource | undefined,
    file: PartFile,
    options: PartialBlobOptions,
  ) {
    this.key = key;
    this.#file = file;
    if (source !== undefined) this.#source.add(source);
    this.#options = options;
    this.#chunks = new ChunkStates(key.size, options.chunkSha256);
    this.#chunks.restore((chunk) => file.map.has(chunk));
    this.#fetches = new ChunkFetches(
      (first, end, arrived) => this.#fetch(first, end, arrived),
      () => this.#source.knowsRanges,
    );
  }

  /**
   * What an earlier run left of the blob, or a new one. `directory` must be writable by this user only. Throws InputError
   * for a file that others could have written; Node's errors. Without a `source`, `addSource` adds some.
   */
  static open(
    directory: string,
    key: BlobKey,
    source: RangeSource | undefined,
    options: PartialBlobOptions = {},
  ): PartialBlob {
    return new PartialBlob(key, source, PartFile.open(directory, key), options);
  }

  /** A new blob in a file without a name, which is the caller's: `fd` stays open. */
  static openUnnamed(
    fd: number,
    key: BlobKey,
    source: RangeSource | undefined,
    options: PartialBlobOptions = {},
  ): PartialBlob {
    return new PartialBlob(key, source, PartFile.unnamed(fd, key), options);
  }

  /** Adds another source of the same bytes. Returns what removes it. */
  addSource(source: RangeSource): () => void {
    return this.#source.add(source);
  }

  /** The file with the bytes, open until `close`. */
  get fd(): number {
    return this.#file.fd;
  }

  /** Bytes that are here, in whole chunks. */
  get arrivedBytes(): number {
    return this.#chunks.arrivedBytes;
  }

  /** True once all bytes are here and the blob had its digest. */
  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** True once the whole blob turned out to be another than its digest, or than its image, states. */
  get isCorrupt(): boolean {
    return this.#state === 'corrupt';
  }

  /**
   * Undefined if bytes `offset` to `offset + length` are here: then the caller goes on at once. Otherwise a promise that
   * resolves when they have come, and were verified if there are digests of the chunks. It rejects with the error of the
   * source, with InputError for wrong bytes, and with an ErrnoError (EIO) if the blob turned out to be corrupt or was
   * closed.
   */
  have(offset: number, length: number): Promise<void> | undefined {
    if (this.#state === 'corrupt' || this.#stop.signal.aborted) return Promise.reject(this.#unusable());
    if (this.#state === 'whole') return undefined;
    const { first, end } = chunksOf(offset, Math.min(length, this.key.size - offset));
    for (let chunk = first; chunk < end; chunk++) {
      if (this.#chunks.get(chunk) !== ChunkState.here)
        return this.#untilClosed(this.#bring(chunk, end, 'needed'));
    }
    return undefined;
  }

  /**
   * As `have`, of bytes that nobody needs yet: they come when nobody waits for others. Resolves at once if there is nothing to
   * fetch.
   */
  async fetchAhead(offset: number, length: number): Promise<void> {
    if (this.#state !== 'partial') return;
    if (this.#stop.signal.aborted) throw this.#unusable();
    const available = Math.max(0, Math.min(length, this.key.size - offset));
    const { first, end } = chunksOf(offset, available);
    await this.#untilClosed(this.#bring(first, end, 'ahead'));
  }

  /**
   * Fetches all that is missing, verifies the blob and gives it its final name. Rejects as `have`, and with InputError
   * for a wrong digest.
   */
  async complete(): Promise<void> {
    await this.have(0, this.key.size);
    try {
      await (this.#completing ??= this.#completeInRounds());
    } catch (error) {
      if (this.#state === 'partial') this.#completing = undefined;
      throw error;
    }
  }

  /** As RangeSource.turn. */
  get turn(): number {
    return this.#source.turn;
  }

  /**
   * Bytes `offset` to `offset + length`, which came in `turn`, are wrong: they are fetched again when somebody asks for them.
   * False if the whole blob had its digest, or is not used any more.
   */
  reject(offset: number, length: number, turn: number): boolean {
    if (this.#state !== 'partial' || this.#stop.signal.aborted) return false;
    const { first, end } = chunksOf(offset, Math.min(length, this.key.size - offset));
    for (let chunk = first; chunk < end; chunk++) {
      if (this.#chunks.get(chunk) === ChunkState.here) this.#chunks.forget(chunk);
    }
    this.#source.distrust(turn);
    return true;
  }

  /** Refuses every read from now on: the whole blob is not what its image states. */
  refuse(): void {
    this.#state = 'corrupt';
  }

  /** Ends what is being fetched: those who wait get an error. */
  stop(): void {
    this.#stop.abort();
  }

  /** Stops what is being fetched, records what has come, and closes the file. Readers must have ended. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    try {
      await Promise.allSettled(this.#bringing);
      await this.#fetches.idle();
      await this.#completing?.catch(() => undefined); // complete() reports it
      if (this.#state === 'partial') await this.#record();
    } finally {
      this.#file.close();
    }
  }

  /** `close` waits for it. */
  #untilClosed(bringing: Promise<void>): Promise<void> {
    this.#bringing.add(bringing);
    const done = (): boolean => this.#bringing.delete(bringing);
    bringing.then(done, done);
    return bringing;
  }

  async #bring(first: number, end: number, urgency: Urgency): Promise<void> {
    for (let chunk = first; chunk < end; chunk++) {
      if (this.#stop.signal.aborted) throw this.#unusable();
      if (this.#chunks.get(chunk) === ChunkState.unverified) await this.#verifyChunk(chunk);
    }
    for (let round = 1; ; round++) {
      try {
        await this.#fetches.get(first, end, this.#isMissing, urgency);
        return;
      } catch (error) {
        if (!isWrongDigest(error) || this.#stop.signal.aborted) throw error;
        if (round === MAX_ROUNDS) throw error;
      }
    }
  }

  readonly #isMissing = (chunk: number): boolean => this.#chunks.get(chunk) === ChunkState.missing;

  /** Decides about a chunk that an earlier run left. */
  async #verifyChunk(chunk: number): Promise<void> {
    const bytes = Buffer.allocUnsafe(this.#chunks.lengthOf(chunk));
    const { bytesRead } = await readAt(this.fd, bytes, 0, bytes.length, chunk * CHUNK_SIZE);
    if (this.#chunks.get(chunk) !== ChunkState.unverified) return; // somebody else asked, too
    const isRight =
      bytesRead === bytes.length && this.#chunks.isRight(chunk, createHash('sha256').update(bytes).digest());
    if (isRight) this.#chunks.accept(chunk);
    else this.#chunks.forget(chunk);
  }

  /** One request. A source of wrong bytes is distrusted, once for all who wait for them. */
  async #fetch(first: number, end: number, arrived: (chunk: number) => void): Promise<void> {
    const { turn } = this.#source;
    try {
      await this.#receive(first, end, arrived);
    } catch (error) {
      if (isWrongDigest(error)) this.#source.distrust(turn);
      throw error;
    }
  }

  async #receive(first: number, end: number, arrived: (chunk: number) => void): Promise<void> {
    const stop = Math.min(end * CHUNK_SIZE, this.key.size);
    const arrivals = this.#newArrivals(first);
    for await (const piece of this.#source.read(arrivals.at, stop - arrivals.at, this.#stop.signal)) {
      if (this.#stop.signal.aborted) throw this.#unusable();
      if (arrivals.at + piece.length > stop) throw this.#wrongLength('more', first, stop);
      for (const chunk of await this.#take(piece, arrivals)) arrived(chunk);
    }
    if (arrivals.at < stop) throw this.#wrongLength('fewer', first, stop);
    if (this.#unrecorded.length >= CHUNKS_PER_RECORD) await this.#record();
  }

  #newArrivals(chunk: number): Arrivals {
    const hash = this.#chunks.areVerified ? createHash('sha256') : undefined;
    return { at: chunk * CHUNK_SIZE, chunk, hash };
  }

  /** Writes the next bytes of an answer. Returns the chunks that they completed. Throws InputError for a wrong one. */
  async #take(piece: Uint8Array, arrivals: Arrivals): Promise<number[]> {
    await writeWhole(this.fd, piece, arrivals.at);
    const complete: number[] = [];
    for (let taken = 0; taken < piece.length;) {
      const { chunk } = arrivals;
      const end = chunk * CHUNK_SIZE + this.#chunks.lengthOf(chunk);
      const part = piece.subarray(taken, taken + end - arrivals.at);
      arrivals.hash?.update(part);
      taken += part.length;
      arrivals.at += part.length;
      if (arrivals.at < end) break;
      if (arrivals.hash !== undefined) {
        if (!this.#chunks.isRight(chunk, arrivals.hash.digest())) throw this.#wrongChunk(chunk);
        arrivals.hash = createHash('sha256');
      }
      this.#chunks.arrive(chunk);
      this.#unrecorded.push(chunk);
      this.#options.onArrival?.(this.arrivedBytes);
      complete.push(chunk);
      arrivals.chunk++;
    }
    return complete;
  }

  /** Syncs the bytes that have come, and records them for the next run. */
  async #record(): Promise<void> {
    const chunks = this.#unrecorded;
    this.#unrecorded = [];
    if (chunks.length === 0) return;
    await sync(this.fd);
    if (this.#state === 'partial') this.#file.map.record(chunks);
  }

  async #completeInRounds(): Promise<void> {
    const rounds = this.#options.isVerifiedByReaders === true ? MAX_ROUNDS : 1;
    for (let round = 1; !(await this.#verify(round === rounds)); round++) {
      this.reject(0, this.key.size, this.turn);
    }
  }

  /** False if the bytes have another digest, and it is not the last round. */
  async #verify(isLast: boolean): Promise<boolean> {
    const actual = await this.#digestAtRest();
    if (actual !== this.key.digest && !isLast) return false;
    if (actual !== this.key.digest) {
      this.#state = 'corrupt';
      this.#file.remove();
      throw new InputError(`found bytes of ${actual}, expected ${this.key.digest}`, {
        code: 'ERR_STRATAFS_DIGEST',
      });
    }
    this.#state = 'whole';
    this.#file.publish();
    return true;
  }

  /** The digest of the whole. Bytes that are rejected while it is computed are fetched again, and it begins again. */
  async #digestAtRest(): Promise<string> {
    for (;;) {
      const { forgotten } = this.#chunks;
      await this.have(0, this.key.size);
      await this.#fetches.idle();
      await sync(this.fd);
      const actual = `sha256:${await digestOfFile(this.fd, this.key.size, this.#stop.signal)}`;
      await this.#fetches.idle();
      if (this.#stop.signal.aborted) throw this.#unusable();
      if (forgotten === this.#chunks.forgotten) return actual;
    }
  }

  #unusable(): ErrnoError {
    return new ErrnoError(EIO, 'read', `blob ${this.key.digest}`);
  }

  #wrongChunk(chunk: number): InputError {
    const first = chunk * CHUNK_SIZE;
    return new InputError(
      `blob ${this.key.digest}: bytes ${first} to ${first + this.#chunks.lengthOf(chunk)} are not those that were indexed`,
      { code: 'ERR_STRATAFS_DIGEST' },
    );
  }

  #wrongLength(much: string, first: number, stop: number): InputError {
    return new InputError(
      `blob ${this.key.digest}: bytes ${first * CHUNK_SIZE} to ${stop}: the source sent ${much} than requested`,
    );
  }
}

/** How far an answer has been taken. */
interface Arrivals {
  /** Bytes from the start of the blob. */
  at: number;
  /** The chunk that `at` lies in. */
  chunk: number;
  /** Of the bytes of that chunk before `at`. */
  hash: Hash | undefined;
}

const isWrongDigest = (error: unknown): boolean =>
  error instanceof InputError && error.code === 'ERR_STRATAFS_DIGEST';

async function writeWhole(fd: number, piece: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < piece.length;) {
    const { bytesWritten } = await writeAt(fd, piece, written, piece.length - written, position + written);
    written += bytesWritten;
  }
}
