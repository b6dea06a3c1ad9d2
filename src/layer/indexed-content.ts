// IndexedContent: a partly fetched layer, read with an index in the form of this program: its own, or from elsewhere.
//
// Each chunk of the blob is compared with the index's digest where it arrives (src/blobs), so no read returns bytes that the
// index was not made from.
import createDebug from 'debug';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import { SpanKind, type SpanTable } from '../sys/scan.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { InputError } from '../vfs/input-error.ts';
import type { IndexedBlob, IndexedLayer } from './index-file.ts';
import type { Compression } from './layer.ts';
import { bytesOfLayerIndex } from './layer-index-layout.ts';
import { openSpanReader } from './open-span-reader.ts';
import { type ByteRange, joinRanges } from './part-list.ts';
import { type ArrivingBlob, PREFETCH_GAP, type PartialContent, type WholeLayer } from './partial-content.ts';
import { bytesOfSpanTable } from './span-table-layout.ts';

const debug = createDebug('stratafs:blobs');
const readAt = promisify(read);

export class IndexedContent implements PartialContent {
  readonly compression: Compression;
  readonly size: number;
  readonly #indexed: IndexedLayer;
  readonly #windows: PartialBlob | undefined;
  #needsWindows = true;
  /** Spans whose windows have come from elsewhere, and may have been used. */
  readonly #brought = new Set<number>();

  /** `windows`: of an index from elsewhere, whose own column is zeros until they have come. Owns it. */
  constructor(indexed: IndexedLayer, windows: PartialBlob | undefined) {
    this.#indexed = indexed;
    this.#windows = windows;
    this.size = indexed.tarSize;
    this.compression = compressionOf(indexed);
  }

  open(stored: ArrivingBlob, cache: BlockCache): BlobReader | undefined {
    const { spans } = this.#indexed;
    const windows = this.#windows;
    if (spans.count === 0) return undefined;
    const haveWindow = (span: number): Promise<number> | undefined =>
      windows === undefined ? undefined : stored.settle(this.#bringWindow(windows, spans, span));
    return openSpanReader({ ...stored, haveWindow }, spans, cache, undefined);
  }

  addWindowsSource(source: RangeSource): (() => void) | undefined {
    return this.#windows?.addSource(source);
  }

  prefetch(ranges: readonly ByteRange[]): void {
    const windows = this.#windows;
    if (windows === undefined) return;
    for (const { offset, length } of joinRanges(windowsIn(this.#indexed.spans, ranges), PREFETCH_GAP)) {
      windows.fetchAhead(offset, length).catch((error: unknown) => debug('%s', error));
    }
  }

  /** Takes the index that was made of the whole blob. */
  accept(own: WholeLayer): void {
    if (!isSameIndex(own, this.#indexed) || !this.#hasSameWindows(own.spans)) {
      throw new InputError('the index that was believed is not that of the layer');
    }
    this.#indexed.spans.windows.set(own.spans.windows);
    this.#needsWindows = false;
  }

  stop(): void {
    this.#windows?.stop();
  }

  async close(): Promise<void> {
    await this.#windows?.close();
  }

  /** Brings the window of `span` to its place in the column. */
  async #bringWindow(
    windows: PartialBlob,
    { windowOffset, windows: column }: SpanTable,
    span: number,
  ): Promise<void> {
    const start = windowOffset[span] as number;
    const end = windowOffset[span + 1] as number;
    if (start === end || this.#hasOwnWindows()) return;
    await windows.have(start, end - start);
    const window = Buffer.allocUnsafe(end - start);
    const { bytesRead } = await readAt(windows.fd, window, 0, window.length, start);
    if (bytesRead < window.length) throw new InputError('the file with the windows ends early');
    // Those that were made here may be in their place by now.
    if (this.#hasOwnWindows()) return;
    column.set(window, start);
    this.#brought.add(span);
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
}

function compressionOf({ spans }: IndexedBlob): Compression {
  if (spans.count === 0) return 'none';
  return spans.kind[0] === SpanKind.zstd ? 'zstd' : 'gzip';
}

/** The places of the windows of those spans that lie within `ranges`, which are in ascending order. */
function windowsIn(
  { count, blobOffset, windowOffset }: SpanTable,
  ranges: readonly ByteRange[],
): ByteRange[] {
  const found: ByteRange[] = [];
  let next = 0;
  for (let span = 0; span < count; span++) {
    const [start, end] = [blobOffset[span] as number, blobOffset[span + 1] as number];
    let range = ranges[next];
    while (range !== undefined && range.offset + range.length < end) range = ranges[++next];
    if (range === undefined) break;
    if (start < range.offset) continue;
    const [offset, stop] = [windowOffset[span] as number, windowOffset[span + 1] as number];
    if (stop > offset) found.push({ offset, length: stop - offset });
  }
  return found;
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
