// PartialBlob: a blob of which only a part may be here, and the gate that its readers wait at.
//
// The bytes lie in a sparse file at their own offsets. `have` answers whether a range is here; if not, it fetches the
// chunks that are missing. A reader that `have` let pass reads the descriptor with pread(2), like any other file.
// The blob's own digest can be checked only when it is whole: a reader of a part has to check its bytes by other means.
// A blob that fails that check answers EIO from then on, and its file is removed.
import { fdatasync, write } from 'node:fs';
import { promisify } from 'node:util';
import { BlobScan } from '../sys/scan.ts';
import { EIO, ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { CHUNK_SIZE, chunkCount, chunksOf } from '../vfs/chunks.ts';
import { ChunkFetches } from './chunk-fetches.ts';
import type { BlobKey } from './chunk-map.ts';
import { PartFile } from './part-file.ts';
import type { RangeSource } from './range-source.ts';

const sync = promisify(fdatasync);
const writeAt = promisify(write);

/** After so many new chunks (16 MiB) they are synced and recorded. A crash loses no more than these. */
const CHUNKS_PER_RECORD = 256;

export class PartialBlob {
  readonly key: BlobKey;
  readonly #file: PartFile;
  readonly #source: RangeSource;
  readonly #onArrival: ((bytes: number) => void) | undefined;
  /** A byte for each chunk: 1 if its bytes are in the file. */
  readonly #arrived: Uint8Array;
  readonly #fetches: ChunkFetches;
  readonly #stop = new AbortController();
  #arrivedBytes = 0;
  #unrecorded: number[] = [];
  #completing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #state: 'partial' | 'whole' | 'corrupt' = 'partial';

  private constructor(
    key: BlobKey,
    source: RangeSource,
    file: PartFile,
    onArrival: ((bytes: number) => void) | undefined,
  ) {
    this.key = key;
    this.#file = file;
    this.#source = source;
    this.#onArrival = onArrival;
    this.#arrived = new Uint8Array(chunkCount(key.size));
    this.#arrived.forEach((_, chunk) => {
      if (file.map.has(chunk)) this.#note(chunk);
    });
    this.#fetches = new ChunkFetches(
      (first, end, arrived) => this.#fetch(first, end, arrived),
      () => source.knowsRanges,
    );
  }

  /**
   * What an earlier run left of the blob, or a new one. `directory` must be writable by this user only. `onArrival` gets
   * the number of bytes that are here, whenever a chunk has come. Throws InputError for a file that others could have
   * written; Node's errors.
   */
  static open(
    directory: string,
    key: BlobKey,
    source: RangeSource,
    onArrival?: (bytes: number) => void,
  ): PartialBlob {
    return new PartialBlob(key, source, PartFile.open(directory, key), onArrival);
  }

  /** A new blob in a file without a name, which is the caller's: `fd` stays open. */
  static openUnnamed(
    fd: number,
    key: BlobKey,
    source: RangeSource,
    onArrival?: (bytes: number) => void,
  ): PartialBlob {
    return new PartialBlob(key, source, PartFile.unnamed(fd, key), onArrival);
  }

  /** The file with the bytes, open until `close`. */
  get fd(): number {
    return this.#file.fd;
  }

  /** Bytes that are here, in whole chunks. */
  get arrivedBytes(): number {
    return this.#arrivedBytes;
  }

  /**
   * Undefined if bytes `offset` to `offset + length` are here: then the caller goes on at once. Otherwise a promise that
   * resolves when they have come. It rejects with the error of the source, and with an ErrnoError (EIO) if the blob
   * turned out to be corrupt or was closed.
   */
  have(offset: number, length: number): Promise<void> | undefined {
    if (this.#state === 'corrupt' || this.#stop.signal.aborted) return Promise.reject(this.#unusable());
    const { first, end } = chunksOf(offset, Math.min(length, this.key.size - offset));
    for (let chunk = first; chunk < end; chunk++) {
      if (this.#isMissing(chunk)) return this.#fetches.get(chunk, end, this.#isMissing);
    }
    return undefined;
  }

  /**
   * Fetches all that is missing, verifies the blob and gives it its final name. Rejects as `have`, and with InputError
   * for a wrong digest.
   */
  async complete(): Promise<void> {
    await this.have(0, this.key.size);
    await (this.#completing ??= this.#verify());
  }

  /** Stops what is being fetched, records what has come, and closes the file. Readers must have ended. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    try {
      await this.#fetches.idle();
      await this.#completing?.catch(() => undefined); // complete() reports it
      if (this.#state === 'partial') await this.#record();
    } finally {
      this.#file.close();
    }
  }

  readonly #isMissing = (chunk: number): boolean => this.#arrived[chunk] === 0;

  async #fetch(first: number, end: number, arrived: (chunk: number) => void): Promise<void> {
    const { size } = this.key;
    const stop = Math.min(end * CHUNK_SIZE, size);
    let at = first * CHUNK_SIZE;
    let chunk = first;
    for await (const piece of this.#source.read(at, stop - at, this.#stop.signal)) {
      if (this.#stop.signal.aborted) throw this.#unusable();
      if (at + piece.length > stop) throw this.#wrongLength('more', first, stop);
      await writeWhole(this.fd, piece, at);
      at += piece.length;
      while (chunk < end && at >= Math.min((chunk + 1) * CHUNK_SIZE, size)) {
        this.#note(chunk);
        this.#unrecorded.push(chunk);
        this.#onArrival?.(this.#arrivedBytes);
        arrived(chunk++);
      }
    }
    if (at < stop) throw this.#wrongLength('fewer', first, stop);
    if (this.#unrecorded.length >= CHUNKS_PER_RECORD) await this.#record();
  }

  #note(chunk: number): void {
    this.#arrived[chunk] = 1;
    this.#arrivedBytes += Math.min(CHUNK_SIZE, this.key.size - chunk * CHUNK_SIZE);
  }

  /** Syncs the bytes that have come, and records them for the next run. */
  async #record(): Promise<void> {
    const chunks = this.#unrecorded;
    this.#unrecorded = [];
    if (chunks.length === 0) return;
    await sync(this.fd);
    if (this.#state === 'partial') this.#file.map.record(chunks);
  }

  async #verify(): Promise<void> {
    await this.#fetches.idle();
    await sync(this.fd);
    const actual = `sha256:${await hash(this.fd, this.key.size, this.#stop.signal)}`;
    if (this.#stop.signal.aborted) throw this.#unusable();
    if (actual !== this.key.digest) {
      this.#state = 'corrupt';
      this.#file.remove();
      throw new InputError(`found bytes of ${actual}, expected ${this.key.digest}`, {
        code: 'ERR_STRATAFS_DIGEST',
      });
    }
    this.#state = 'whole';
    this.#file.publish();
  }

  #unusable(): ErrnoError {
    return new ErrnoError(EIO, 'read', `blob ${this.key.digest}`);
  }

  #wrongLength(much: string, first: number, stop: number): InputError {
    return new InputError(
      `blob ${this.key.digest}: bytes ${first * CHUNK_SIZE} to ${stop}: the source sent ${much} than requested`,
    );
  }
}

async function writeWhole(fd: number, piece: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < piece.length;) {
    const { bytesWritten } = await writeAt(fd, piece, written, piece.length - written, position + written);
    written += bytesWritten;
  }
}

/** The sha256 of the first `length` bytes, in lower-case hex, computed on a pool thread; '' if it was aborted. */
async function hash(fd: number, length: number, signal: AbortSignal): Promise<string> {
  const scan = new BlobScan({ fd, offset: 0, length, compression: 'opaque', hash: true, spanSize: 1 << 20 });
  const stop = (): void => scan.close();
  signal.addEventListener('abort', stop);
  try {
    const records = new Uint8Array(8 << 20);
    while (!signal.aborted && (await scan.next(records)) > 0);
    return signal.aborted ? '' : (scan.result().blobSha256 ?? '');
  } catch (error) {
    if (signal.aborted) return '';
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    scan.close();
  }
}
