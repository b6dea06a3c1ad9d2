// PartialContent: how a layer is read whose blob is only partly here (partial-layer.ts).
import type { RangeSource } from '../blobs/range-source.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import type { IndexedLayer } from './index-file.ts';
import type { Compression } from './layer.ts';
import type { StoredBlob } from './open-span-reader.ts';
import type { ByteRange } from './part-list.ts';

/** Ranges of a list that lie no further apart are fetched by one request: it takes as long as another request. */
export const PREFETCH_GAP = 128 << 10;

/** A layer whose bytes are all here, with the index that was made of them. */
export interface WholeLayer extends IndexedLayer {
  /** Of the uncompressed tar; the caller of `accept` closes it. */
  readonly reader: BlobReader;
}

/** Stored bytes as they come. */
export interface ArrivingBlob extends StoredBlob {
  readonly have: (offset: number, length: number) => Promise<number> | undefined;
  /** 0 once `bringing` has ended well, -EIO if it failed. */
  readonly settle: (bringing: Promise<void>) => Promise<number>;
  /** As RangeSource.turn. */
  readonly turn: () => number;
  /**
   * Bytes that came in `turn` are wrong: `have` fetches them again. False if that is of no use. `isLast`: nobody tries again.
   */
  readonly reject: (offset: number, length: number, turn: number, isLast: boolean) => boolean;
}

/** Reads the uncompressed bytes of a layer from the part of the blob that is here. */
export interface PartialContent {
  readonly compression: Compression;
  /** Uncompressed bytes. */
  readonly size: number;
  /** The reader, which owns `stored`; undefined if the stored bytes are those of the layer. Called once. */
  open(stored: ArrivingBlob, cache: BlockCache): BlobReader | undefined;
  /** Adds a source of what the index itself lacks; returns what removes it. Undefined if it lacks nothing. */
  addWindowsSource(source: RangeSource): (() => void) | undefined;
  /** Begins to fetch what the index itself lacks for ranges of the blob, in ascending order. Failures are not reported. */
  prefetch(ranges: readonly ByteRange[]): void;
  /** Throws InputError if the whole layer is another than the one that was believed. */
  accept(own: WholeLayer): void | Promise<void>;
  /** Ends what is being fetched or compared: those who wait get an error. */
  stop(): void;
  close(): Promise<void>;
}
