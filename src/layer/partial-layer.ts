// PartialLayer: a layer whose index is at hand and whose blob is only partly here. A read fetches the bytes that it needs.
//
// Each chunk is compared with the index's digest where it arrives (src/blobs), so no read returns bytes that the index was
// not made from. The caller decides whether the index may be believed. When all chunks are here, the digest of
// the blob is verified, and `verify` compares the rest: a layer that fails it answers EIO from then on.
import createDebug from 'debug';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import { SpanKind, type SpanTable } from '../sys/scan.ts';
import { type BlobReader, type BorrowedRange, FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EIO } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import type { IndexedBlob, IndexedLayer } from './index-file.ts';
import type { Compression, ExpectedDigests, Layer } from './layer.ts';
import { bytesOfLayerIndex } from './layer-index-layout.ts';
import { openSpanReader } from './open-span-reader.ts';
import { bytesOfSpanTable } from './span-table-layout.ts';

const debug = createDebug('stratafs:blobs');
const readAt = promisify(read);

/** Bytes that are fetched ahead at a time: two requests, so that a read finds a third one free. */
const FILL_STEP = 16 << 20;

export interface PartialLayerOptions {
  /** The layer's name in messages. */
  readonly label: string;
  readonly cache: BlockCache;
  /** Names an index from elsewhere; undefined: it was made here, from bytes that were verified. */
  readonly indexId?: string | undefined;
  /**
   * Compares the whole blob with what its image states, once it is here, and indexes it. Rejects with an InputError if it is
   * something else.
   */
  readonly verify: () => Promise<IndexedLayer>;
  /** The windows of an index from elsewhere, whose own column is zeros until they have come. The layer owns it. */
  readonly windows?: PartialBlob | undefined;
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

/** The layer owns `blob` from now on. `indexed` must be one that `canReadParts` accepts. */
export function openPartialLayer(
  blob: PartialBlob,
  indexed: IndexedLayer,
  options: PartialLayerOptions,
): Layer & { readonly reader: PartialReader } {
  const { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256, index } = indexed;
  const reader = new PartialReader(blob, indexed, options);
  // Bytes that nobody verified have no name: nothing that is made from them may be saved under it.
  const { indexId } = options;
  const digests =
    indexId === undefined
      ? { digest: blob.key.digest, diffId: tarSha256 === undefined ? undefined : `sha256:${tarSha256}` }
      : { digest: undefined, diffId: undefined, indexId };
  return {
    ...digests,
    reader,
    compression: compressionOf(indexed),
    facts: { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 },
    index,
    close: () => reader.close(),
    closed: reader.closed,
  };
}

function compressionOf({ spans }: IndexedBlob): Compression {
  if (spans.count === 0) return 'none';
  return spans.kind[0] === SpanKind.zstd ? 'zstd' : 'gzip';
}

/** Reads a partly fetched layer. */
export class PartialReader implements BlobReader {
  readonly size: number;
  readonly #blob: PartialBlob;
  readonly #options: PartialLayerOptions;
  readonly #spans: BlobReader | undefined;
  readonly #indexed: IndexedLayer;
  #needsWindows = true;
  /** Spans whose windows have come from elsewhere, and may have been used. */
  readonly #brought = new Set<number>();
  #completion: Promise<void> | undefined;
  #isClosed = false;
  /** Resolves when what came is recorded, after `close`. */
  readonly closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  readonly #listeners = new Set<(text: string) => void>();

  constructor(blob: PartialBlob, indexed: IndexedLayer, options: PartialLayerOptions) {
    const { windows } = options;
    const { spans, tarSize } = indexed;
    this.#indexed = indexed;
    this.#blob = blob;
    this.#options = options;
    this.size = tarSize;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const stored = {
      ...{ fd: blob.fd, offset: 0 },
      have: (offset: number, length: number) => this.#have(offset, length),
      ...(windows === undefined
        ? {}
        : { haveWindow: (span: number) => this.#haveWindow(windows, spans, span) }),
      isSourceChanged: () => false,
      close: () => this.#end(),
    };
    this.#spans = spans.count === 0 ? undefined : openSpanReader(stored, spans, options.cache, undefined);
  }

  /** Adds what a user has; returns what removes it. Without a source of bytes, only what is here can be read. */
  addUser({ bytes, windows, onFailure }: PartialLayerUser): () => void {
    // One user may have several layers, and each its own listener.
    const listener = (text: string): void => onFailure?.(text);
    this.#listeners.add(listener);
    const removals = [
      bytes === undefined ? undefined : this.#blob.addSource(bytes),
      windows === undefined ? undefined : this.#options.windows?.addSource(windows),
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
    if (this.#spans !== undefined) return this.#spans.read(offset, length);
    const available = Math.max(0, Math.min(length, this.size - offset));
    const range = new FileRange(this.#blob.fd, offset, available);
    return this.#have(offset, available)?.then((status) => (status < 0 ? status : range)) ?? range;
  }

  borrow(offset: number, length: number): BorrowedRange | undefined {
    const range = this.#spans === undefined ? this.read(offset, length) : undefined;
    return range instanceof FileRange ? { range, release: () => undefined } : undefined;
  }

  /** True if what came was not what the image states: what the kernel has cached is not, either. */
  isSourceChanged(): boolean {
    return this.#blob.isCorrupt;
  }

  /** Fetches all that is missing until `signal` is aborted, and verifies the blob. Failures are reported, and not thrown. */
  async fill(signal?: AbortSignal): Promise<void> {
    const { size } = this.#blob.key;
    const isOver = (): boolean => this.#isClosed || signal?.aborted === true;
    for (let at = 0; at < size && !isOver(); at += FILL_STEP) {
      if (((await this.#have(at, FILL_STEP)) ?? 0) < 0) return;
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
    this.#options.windows?.stop();
    if (this.#spans !== undefined) this.#spans.close();
    else this.#end();
  }

  #end(): void {
    const closing = [this.#blob, this.#options.windows].map(async (blob) =>
      blob?.close().catch((error: unknown) => debug('%s: %s', this.#options.label, error)),
    );
    void Promise.all(closing).then(() => this.#resolveClosed());
  }

  /** Brings the window of `span` to its place in the column. */
  async #haveWindow(
    windows: PartialBlob,
    { windowOffset, windows: column }: SpanTable,
    span: number,
  ): Promise<number> {
    const start = windowOffset[span] as number;
    const end = windowOffset[span + 1] as number;
    if (start === end || this.#hasOwnWindows()) return 0;
    try {
      await windows.have(start, end - start);
      const window = Buffer.allocUnsafe(end - start);
      const { bytesRead } = await readAt(windows.fd, window, 0, window.length, start);
      if (bytesRead < window.length) return -EIO;
      // Those that were made here may be in their place by now.
      if (this.#hasOwnWindows()) return 0;
      column.set(window, start);
      this.#brought.add(span);
      return 0;
    } catch (error) {
      this.#report(error);
      return -EIO;
    }
  }

  #have(offset: number, length: number): Promise<number> | undefined {
    return this.#blob.have(offset, length)?.then(
      () => {
        if (this.#blob.arrivedBytes === this.#blob.key.size) void this.#complete();
        return 0;
      },
      (error: unknown) => {
        this.#report(error);
        return -EIO;
      },
    );
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
      this.#adopt(await this.#options.verify());
    } catch (error) {
      if (error instanceof InputError) this.#blob.refuse();
      this.#report(error);
    }
  }

  /** Takes the index that was made of the whole blob. Throws InputError if the one that was believed is another. */
  #adopt(own: IndexedLayer): void {
    if (!isSameIndex(own, this.#indexed) || !this.#hasSameWindows(own.spans)) {
      throw new InputError('the index that was believed is not that of the layer');
    }
    this.#indexed.spans.windows.set(own.spans.windows);
    this.#needsWindows = false;
  }

  /** True once those that were made here are in their places. */
  #hasOwnWindows(): boolean {
    return !this.#needsWindows;
  }

  #hasSameWindows({ windows: own }: SpanTable): boolean {
    const { windowOffset, windows } = this.#indexed.spans;
    return [...this.#brought].every((span) => {
      const [start, end] = [windowOffset[span], windowOffset[span + 1]];
      return Buffer.compare(own.subarray(start, end), windows.subarray(start, end)) === 0;
    });
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

/** True if both describe the same layer in the same spans, windows apart: some may not have come. */
function isSameIndex(a: IndexedLayer, b: IndexedLayer): boolean {
  if (a.spans.windows.length !== b.spans.windows.length) return false;
  const bytesOf = ({ index, spans }: IndexedLayer): readonly Uint8Array[] => {
    const blank = { ...spans, windows: new Uint8Array(spans.windows.length) };
    return [bytesOfSpanTable(blank), bytesOfLayerIndex(index)];
  };
  const other = bytesOf(b);
  return bytesOf(a).every((bytes, i) => Buffer.compare(bytes, other[i] as Uint8Array) === 0);
}
