// The native pass over a layer's blob: digests, decompression, checkpoints, and the framing of tar members.
//
// Native code finds headers; TypeScript interprets them. The scan knows only sizes (octal, base-256, pax `size`), the
// types that carry data, and the extension blocks of old GNU sparse headers.
import { addon } from './addon.ts';

export interface ScanOptions {
  /** Open for reading; lent until the scan has ended. */
  readonly fd: number;
  /** The blob's place in the file, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** 'opaque': any bytes; they are hashed but not framed (`tarSha256`, `tarSize`, `spans`, `chunkSha256` are empty). */
  readonly compression: 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'opaque';
  /** Computes the digests. Without it a scan of a plain blob reads only the headers and skips the data. */
  readonly hash: boolean;
  /** Uncompressed bytes between two checkpoints. */
  readonly spanSize: number;
  /**
   * Spans of more than `spillThreshold` uncompressed bytes are written to this file, at their own offset in the tar (a
   * sparse file). A checkpoint can't lie inside a zstd frame or a deflate block, and either may be as long as the
   * layer. xz and bzip2 blobs are one span, which can only be read from this file: they need a threshold of 0. Without
   * `spillFd` a span may have any length. At most `spillLimit` bytes are written; a blob that needs more is a
   * ScanError.
   */
  readonly spillFd?: number;
  readonly spillThreshold?: number;
  readonly spillLimit?: number;
  /** Lower-case hex: the expected `tarSha256`. Only with `hash`. */
  readonly expectedTarSha256?: string;
}

/** How the bytes of a span are obtained. */
export const SpanKind = { inflate: 0, zstd: 1, spill: 2 } as const;

/** Spans cover the uncompressed bytes in order, without gaps. A plain blob has none. */
export interface SpanTable {
  readonly count: number;
  /** The uncompressed offset of each span; one more element: the total. */
  readonly plainOffset: Float64Array;
  /** Offset in the blob of the byte that holds the span's first bit; one more element: the end of the blob. */
  readonly blobOffset: Float64Array;
  /**
   * inflate: the number of high bits (0 to 7) of the byte *before* blobOffset that belong to the span (inflatePrime).
   */
  readonly bits: Uint8Array;
  readonly kind: Uint8Array;
  /**
   * inflate: the window of span i is windows[windowOffset[i], windowOffset[i+1]), raw deflate, 0 to 32 KiB when
   * inflated.
   */
  readonly windowOffset: Uint32Array;
  /** gzip's CRC-32 of each span's uncompressed bytes: detects a blob that was changed under a mount. */
  readonly crc32: Uint32Array;
  readonly windows: Uint8Array;
}

export interface ScanResult {
  /** Lower-case hex; undefined without `hash`. */
  readonly blobSha256: string | undefined;
  readonly tarSha256: string | undefined;
  /**
   * The number of zero bytes (at most 10,240, GNU tar's record) after the tar that would give `expectedTarSha256`; 0 if
   * the digest is right, or if no padding gives it.
   */
  readonly missingZeros: number;
  /** All uncompressed bytes, including padding and junk after the end-of-archive blocks. */
  readonly tarSize: number;
  /** As in a record (below), of the last member. */
  readonly isLastTailClean: boolean;
  readonly spans: SpanTable;
  /** True if something was written to spillFd. */
  readonly hasSpilled: boolean;
  /** The sha256 of each chunk (vfs/chunks.ts) of the stored bytes, 32 bytes each. Empty without `hash`. */
  readonly chunkSha256: Uint8Array;
}

/**
 * Framing records, one per tar member, one after the other in the caller's buffer. All numbers are little-endian.
 * | offset | size | meaning |
 * | ---    | ---  | ---     |
 * | 0      | 8    | offset of the header block in the uncompressed tar (f64) |
 * | 8      | 8    | offset of the member's data in the uncompressed tar (f64) |
 * | 16     | 8    | length of the member's data as stored, pax `size` applied (f64) |
 * | 24     | 4    | length of `meta` below, in bytes (u32) |
 * | 28     | 4    | 1 if the padding after the data of the member before was read, and is zeros up to a multiple of 512; else 0 (u32) |
 * | 32     | 512  | the header block |
 * | 544    | n    | meta: the payload of types x g X L K, the extension blocks of an old GNU sparse header; padded to 8 |
 */
export const RECORD_HEADER_SIZE = 544;

/** The rejection of `next` for malformed input. `offset` is machine-readable; `found` and `expected` are for people. */
export interface ScanError extends Error {
  readonly code: 'SCAN';
  readonly offset: number;
  /** 'tar': `offset` counts uncompressed bytes; 'blob': stored bytes. */
  readonly unit: 'tar' | 'blob';
  readonly found: string;
  readonly expected: string;
}

export interface BlobScan {
  /**
   * Fills `buffer` (at least the largest record: 8 MiB) with whole records on a pool thread. Resolves with the number
   * of bytes filled; 0 at the end of the blob. One call at a time.
   *
   * native/addon/tar_framer.h states which members carry data, where the archive ends, and the limits.
   */
  next(buffer: Uint8Array): Promise<number>;
  /** Stored bytes consumed so far, for progress. */
  readonly position: number;
  /** Available after `next` resolved with 0. */
  result(): ScanResult;
  /**
   * Makes a `next` under way reject soon (code 'ABORT_ERR'). The descriptors stay lent until it has. Frees everything.
   */
  close(): void;
}

export const BlobScan = (addon as { BlobScan: new (options: ScanOptions) => BlobScan }).BlobScan;
