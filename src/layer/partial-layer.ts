// PartialLayer: a layer whose index is at hand and whose blob is only partly here. A read fetches the bytes that it needs.
//
// A PartialContent knows the index, and sees to it that no read returns bytes that the index was not made from. The caller
// decides whether the index may be believed. When all bytes are here, the digest of the blob is verified, and `verify`
// compares the rest: a layer that fails it answers EIO from then on.
import createDebug from 'debug';
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import { type BlobReader, type BorrowedRange, FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { CHUNK_SIZE, chunkCount, chunksOf } from '../vfs/chunks.ts';
import { EIO } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import type { IndexedBlob, IndexedLayer } from './index-file.ts';
import { IndexedContent } from './indexed-content.ts';
import type { ExpectedDigests, Layer } from './layer.ts';
import { MemberContent } from './member-content.ts';
import type { MemberIndex } from './member-spans.ts';
import { type ByteRange, joinRanges } from './part-list.ts';
import { type ArrivingBlob, PREFETCH_GAP, type PartialContent, type WholeLayer } from './partial-content.ts';

const debug = createDebug('stratafs:blobs');

/** Bytes that `fill` fetches at a time. */
const FILL_STEP = 16 << 20;

export interface PartialLayerOptions {
  /** The layer's name in messages. */
  readonly label: string;
  readonly cache: BlockCache;
  /** Names an index from elsewhere; undefined: it was made here, from bytes that were verified. */
  readonly indexId?: string | undefined;
  /**
   * Compares the whole blob with what its image states, once it is here, indexes it, and calls `accept`. Rejects with an
   * InputError if it is something else, and as `accept` does.
   */
  readonly verify: (accept: (own: WholeLayer) => void | Promise<void>) => Promise<void>;
}

/** What one of the users of a layer adds to it. */
export interface PartialLayerUser {
  readonly bytes?: RangeSource | undefined;
  readonly windows?: RangeSource | undefined;
  /** Gets one line about each failure. */
  readonly onFailure?: ((text: string) => void) | undefined;
}

/** True if a part of the blob, of `size` bytes, can be read with the index. Its DiffID must not be another than expected. */
export function canReadParts(
  { spans, tarSize, tarSha256, chunkSha256, hasSpilled }: IndexedBlob,
  size: number,
  { diffId }: ExpectedDigests,
): boolean {
  if (hasSpilled || chunkSha256.length === 0 || spans.blobOffset[spans.count] !== size) return false;
  if (spans.count === 0 && tarSize !== size) return false;
  return diffId === undefined || tarSha256 === undefined || diffId === `sha256:${tarSha256}`;
}

/**
 * The layer owns `blob` and `windows` from now on. `indexed` must be one that `canReadParts` accepts. `windows`: those of an
 * index from elsewhere, whose own column is zeros until they have come.
 */
export function openPartialLayer(
  blob: PartialBlob,
  indexed: IndexedLayer,
  options: PartialLayerOptions & { readonly windows?: PartialBlob | undefined },
): Layer & { readonly reader: PartialReader } {
  const { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256, index } = indexed;
  const content = new IndexedContent(indexed, options.windows);
  const reader = new PartialReader(blob, content, options);
  // Bytes that nobody verified have no name: nothing that is made from them may be saved under it.
  const { indexId } = options;
  const digests =
    indexId === undefined
      ? { digest: blob.key.digest, diffId: tarSha256 === undefined ? undefined : `sha256:${tarSha256}` }
      : { digest: undefined, diffId: undefined, indexId };
  return {
    ...digests,
    reader,
    compression: content.compression,
    facts: { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 },
    index,
    close: () => reader.close(),
    closed: reader.closed,
  };
}

/** The same with the index of another program. The layer owns `blob` from now on, whose readers verify it. */
export function openMemberLayer(
  blob: PartialBlob,
  members: MemberIndex,
  options: PartialLayerOptions,
): Layer & { readonly reader: PartialReader } {
  const content = new MemberContent(members);
  const reader = new PartialReader(blob, content, options);
  return {
    ...{ reader, digest: undefined, diffId: undefined, indexId: options.indexId },
    compression: content.compression,
    index: members.index,
    close: () => reader.close(),
    closed: reader.closed,
  };
}

/** Reads a partly fetched layer. */
export class PartialReader implements BlobReader {
  readonly size: number;
  readonly #blob: PartialBlob;
  readonly #content: PartialContent;
  readonly #options: PartialLayerOptions;
  readonly #reader: BlobReader | undefined;
  /** 1 for each chunk of the blob that somebody read. */
  readonly #readChunks: Uint8Array;
  #completion: Promise<void> | undefined;
  #isClosed = false;
  /** Resolves when what came is recorded, after `close`. */
  readonly closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  readonly #listeners = new Set<(text: string) => void>();
  /** True once the whole blob is what its image and the index state. */
  #isVerified = false;
  readonly #plainListeners = new Set<() => void>();

  constructor(blob: PartialBlob, content: PartialContent, options: PartialLayerOptions) {
    this.#blob = blob;
    this.#content = content;
    this.#options = options;
    this.size = content.size;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#readChunks = new Uint8Array(chunkCount(blob.key.size));
    this.#reader = content.open(this.#storedBlob(), options.cache);
  }

  /** The file, once all of an uncompressed layer is here and verified. */
  get plain(): FileRange | undefined {
    const isPlain = this.#reader === undefined && this.#isVerified && !this.#isClosed;
    return isPlain ? new FileRange(this.#blob.fd, 0, this.size) : undefined;
  }

  whenPlain(listener: () => void): () => void {
    if (this.#reader === undefined && !this.#isVerified) this.#plainListeners.add(listener);
    return () => void this.#plainListeners.delete(listener);
  }

  /** Adds what a user has; returns what removes it. Without a source of bytes, only what is here can be read. */
  addUser({ bytes, windows, onFailure }: PartialLayerUser): () => void {
    // One user may have several layers, and each its own listener.
    const listener = (text: string): void => onFailure?.(text);
    this.#listeners.add(listener);
    const removals = [
      bytes === undefined ? undefined : this.#blob.addSource(bytes),
      windows === undefined ? undefined : this.#content.addWindowsSource(windows),
    ];
    return () => {
      this.#listeners.delete(listener);
      for (const remove of removals) remove?.();
    };
  }

  /** Bytes of the blob that are not here. */
  get missingBytes(): number {
    return this.#blob.isWhole ? 0 : this.#blob.key.size - this.#blob.arrivedBytes;
  }

  read(offset: number, length: number): ReadResult | Promise<ReadResult> {
    // Blocks that were decompressed before are no better than what they were made from.
    if (this.#isClosed || this.#blob.isCorrupt) return -EIO;
    if (this.#reader !== undefined) return this.#reader.read(offset, length);
    const available = Math.max(0, Math.min(length, this.size - offset));
    const range = new FileRange(this.#blob.fd, offset, available);
    return this.#haveToRead(offset, available)?.then((status) => (status < 0 ? status : range)) ?? range;
  }

  borrow(offset: number, length: number): BorrowedRange | undefined {
    const range = this.#reader === undefined ? this.read(offset, length) : undefined;
    return range instanceof FileRange ? { range, release: () => undefined } : undefined;
  }

  /** True if what came was not what the image states: what the kernel has cached is not, either. */
  isSourceChanged(): boolean {
    return this.#blob.isCorrupt;
  }

  /** `sha256:<hex>` of the blob. */
  get digest(): string {
    return this.#blob.key.digest;
  }

  /** The bytes of the blob that reads needed since it was opened, in whole chunks. */
  get readRanges(): ByteRange[] {
    const ranges: ByteRange[] = [];
    this.#readChunks.forEach((isRead, chunk) => {
      if (isRead === 1) ranges.push({ offset: chunk * CHUNK_SIZE, length: CHUNK_SIZE });
    });
    return joinRanges(ranges, 0);
  }

  /**
   * Begins to fetch ranges of the blob, in ascending order, and what the index lacks for them. Reads come first. A failure is
   * not reported: the read that needs the bytes fetches them again.
   */
  prefetch(ranges: readonly ByteRange[]): void {
    this.#content.prefetch(ranges);
    for (const { offset, length } of joinRanges(ranges, PREFETCH_GAP)) {
      this.#fetchAhead(offset, length).catch((error: unknown) => debug('%s', error));
    }
  }

  /** Fetches all that is missing until `signal` is aborted, and verifies the blob. Failures are reported, and not thrown. */
  async fill(signal?: AbortSignal): Promise<void> {
    const { size } = this.#blob.key;
    const isOver = (): boolean => this.#isClosed || signal?.aborted === true;
    for (let at = 0; at < size && !isOver(); at += FILL_STEP) {
      if ((await this.#settle(this.#fetchAhead(at, FILL_STEP))) < 0) return;
    }
    if (!isOver()) await this.#complete();
  }

  /** True once `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for nothing; the blob is closed when no read is under way. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#blob.stop();
    this.#content.stop();
    if (this.#reader !== undefined) this.#reader.close();
    else this.#end();
  }

  #storedBlob(): ArrivingBlob {
    const blob = this.#blob;
    return {
      ...{ fd: blob.fd, offset: 0 },
      have: (offset, length) => this.#haveToRead(offset, length),
      settle: (bringing) => this.#settle(bringing),
      turn: () => blob.turn,
      reject: (offset, length, turn, isLast) => this.#reject(offset, length, turn, isLast),
      isSourceChanged: () => false,
      close: () => this.#end(),
    };
  }

  #end(): void {
    const closing = [this.#blob.close(), this.#content.close()].map((each) =>
      each.catch((error: unknown) => debug('%s: %s', this.#options.label, error)),
    );
    void Promise.all(closing).then(() => this.#resolveClosed());
  }

  #haveToRead(offset: number, length: number): Promise<number> | undefined {
    const { first, end } = chunksOf(offset, length);
    this.#readChunks.fill(1, first, end);
    const bringing = this.#blob.have(offset, length);
    return bringing === undefined ? undefined : this.#settle(this.#completeAfter(bringing));
  }

  #fetchAhead(offset: number, length: number): Promise<void> {
    return this.#completeAfter(this.#blob.fetchAhead(offset, length));
  }

  /** `bringing`; if it brings the last bytes, the blob is completed. */
  async #completeAfter(bringing: Promise<void>): Promise<void> {
    await bringing;
    if (this.#blob.arrivedBytes === this.#blob.key.size) void this.#complete();
  }

  /** 0, or -EIO for a failure, which is reported. */
  #settle(bringing: Promise<void>): Promise<number> {
    return bringing.then(
      () => 0,
      (error: unknown) => {
        this.#report(error);
        return -EIO;
      },
    );
  }

  #reject(offset: number, length: number, turn: number, isLast: boolean): boolean {
    const isWorthIt = this.#blob.reject(offset, length, turn) && !isLast;
    if (!isWorthIt) {
      this.#report(new InputError(`bytes ${offset} to ${offset + length} are not those that were indexed`));
    }
    return isWorthIt;
  }

  #complete(): Promise<void> {
    return (this.#completion ??= this.#verify());
  }

  async #verify(): Promise<void> {
    try {
      await this.#blob.complete();
    } catch (error) {
      // Chunks of an earlier run were wrong, and can't be fetched now.
      if (!this.#blob.isCorrupt) this.#completion = undefined;
      this.#report(error);
      return;
    }
    try {
      await this.#options.verify((own) => this.#content.accept(own));
    } catch (error) {
      if (error instanceof InputError) this.#blob.refuse();
      this.#report(error);
      return;
    }
    this.#isVerified = true;
    for (const listener of this.#plainListeners) listener();
    this.#plainListeners.clear();
  }

  #report(error: unknown): void {
    if (this.#isClosed) return;
    const { message } = error as Error;
    debug('%s: %s', this.#options.label, message);
    for (const listener of this.#listeners) listener(message);
  }
}

/** Resolves when what came of those of the layers that were closed is recorded. */
export async function untilRecorded(readers: readonly BlobReader[]): Promise<void> {
  const parts = readers.filter((reader) => reader instanceof PartialReader);
  await Promise.all(parts.filter(({ isClosed }) => isClosed).map(({ closed }) => closed));
}
