// The native pass over a layer's blob: digests, decompression, checkpoints, and the framing of tar members.
//
// Finding headers is native work, understanding them is TypeScript's: the scan knows sizes (octal, base-256, pax
// `size`), which types carry data, and the old GNU sparse extension blocks; nothing else.
import { addon } from './addon.ts';

export interface ScanOptions {
  /** Open for reading; lent until the scan has ended. */
  readonly fd: number;
  /** The blob's place in the file, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** 'opaque': any bytes; they are hashed, and have no members (`tarSha256`, `tarSize`, `spans` are empty). */
  readonly compression: 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'opaque';
  /** Compute the digests. Without it a plain blob is skipped through: only its headers are read. */
  readonly hash: boolean;
  /** Uncompressed bytes between two checkpoints. */
  readonly spanSize: number;
  /**
   * Spans of more than `spillThreshold` uncompressed bytes are written here, at their own offset in the tar (a sparse
   * file): nothing can begin inside a zstd frame or a deflate block, and both may be as long as the layer. xz and bzip2
   * are one span, which can only be read from there: they need a threshold of 0. Without it a span may be of any length. At most `spillLimit` bytes are written; a blob that needs more is a ScanError.
   */
  readonly spillFd?: number;
  readonly spillThreshold?: number;
  readonly spillLimit?: number;
  /** Lower-case hex: what `tarSha256` is to be, with `hash`. */
  readonly expectedTarSha256?: string;
}

/** How a span's bytes are got. */
export const SpanKind = { inflate: 0, zstd: 1, spill: 2 } as const;

/** Spans cover the uncompressed bytes without a gap, in order. A plain blob has none. */
export interface SpanTable {
  readonly count: number;
  /** Uncompressed offset of each span, and one more: the total. */
  readonly plainOffset: Float64Array;
  /** Offset from the start of the blob of the byte that holds the span's first bit; and one more: the blob's end. */
  readonly blobOffset: Float64Array;
  /** inflate: how many bits, the high ones, of the byte *before* blobOffset belong to the span (0 to 7): inflatePrime. */
  readonly bits: Uint8Array;
  readonly kind: Uint8Array;
  /** inflate: span i's window (raw deflate, 0 to 32 KiB when inflated) is windows[windowOffset[i], windowOffset[i+1]). */
  readonly windowOffset: Uint32Array;
  /** Of each span's uncompressed bytes, as gzip's: a blob that is changed under a mount is noticed. */
  readonly crc32: Uint32Array;
  readonly windows: Uint8Array;
}

export interface ScanResult {
  /** Lower-case hex; undefined without `hash`. */
  readonly blobSha256: string | undefined;
  readonly tarSha256: string | undefined;
  /**
   * So many bytes of zeros (at most 10,240, GNU tar's record) after the tar would give `expectedTarSha256`; 0 if it is right, or no
   * padding gives it.
   */
  readonly missingZeros: number;
  /** Uncompressed bytes, all of them: padding and junk behind the end-of-archive blocks included. */
  readonly tarSize: number;
  readonly spans: SpanTable;
  /** True where something was written to spillFd. */
  readonly hasSpilled: boolean;
}

/**
 * Framing records, one a tar member, back to back in the caller's buffer. All numbers little-endian.
 * | offset | size | meaning |
 * | ---    | ---  | ---     |
 * | 0      | 8    | offset of the header block in the uncompressed tar (f64) |
 * | 8      | 8    | offset of the member's data in the uncompressed tar (f64) |
 * | 16     | 8    | length of the member's data as stored, pax `size` applied (f64) |
 * | 24     | 4    | length of `meta` below, in bytes (u32) |
 * | 28     | 4    | padding to 8 |
 * | 32     | 512  | the header block |
 * | 544    | n    | meta: the payload of types x g X L K, the extension blocks of an old GNU sparse header; padded to 8 |
 */
export const RECORD_HEADER_SIZE = 544;

/** What `next` rejects with for malformed input: `offset` is where, `found` and `expected` are for people. */
export interface ScanError extends Error {
  readonly code: 'SCAN';
  readonly offset: number;
  /** 'tar': offset is in the uncompressed bytes; 'blob': in the stored bytes. */
  readonly unit: 'tar' | 'blob';
  readonly found: string;
  readonly expected: string;
}

export interface BlobScan {
  /**
   * Which members carry data, where the archive ends and what is bounded: native/addon/tar_framer.h.
   *
   * Fills `buffer` (large enough for the largest record: 8 MiB) with whole records on a pool thread.
   * Resolves with the bytes filled, 0 at the end of the blob. One call at a time.
   */
  next(buffer: Uint8Array): Promise<number>;
  /** Stored bytes consumed so far: for progress. */
  readonly position: number;
  /** After `next` answered 0. */
  result(): ScanResult;
  /** Makes a `next` under way reject soon (code 'ABORT_ERR'); the descriptors are lent until it has. Frees everything. */
  close(): void;
}

export const BlobScan = (addon as { BlobScan: new (options: ScanOptions) => BlobScan }).BlobScan;
