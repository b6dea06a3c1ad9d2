// Decompresses one span (native/addon/span_reader.cc): from the checkpoint that a scan recorded, or from the start of a
// gzip member or zstd frame.
import { addon } from './addon.ts';

/**
 * Decompresses a span into `out`, which is as long as the span, on a pool thread.
 *
 * `position` and `length` locate the span's stored bytes in `fd`. `kind` is SpanKind.inflate or zstd. `bits`, `window`
 * (both 0 and empty for zstd) and `crc32` come from the SpanTable. Descriptor and buffers are lent until the promise
 * settles. Resolves with the length of `out`, or -EIO if the bytes can't be read or differ from those that were
 * scanned.
 */
type ReadSpan = (
  fd: number,
  position: number,
  length: number,
  kind: number,
  bits: number,
  window: Uint8Array,
  crc32: number,
  out: Uint8Array,
) => Promise<number>;

/**
 * Decompresses whole gzip members (`kind` SpanKind.inflate) or zstd frames (SpanKind.zstd) from their start, until `out`
 * is full. Then compares the `pieces`: records of offset in `out` and length in bytes (f64 each, little-endian), and the
 * sha256 of these bytes (32). Resolves with the length of `out`, or -EIO if the bytes can't be read or a piece is another.
 * Otherwise as `readSpan`.
 */
type ReadMembers = (
  fd: number,
  position: number,
  length: number,
  kind: number,
  pieces: Uint8Array,
  out: Uint8Array,
) => Promise<number>;

/** Bytes of a record of `pieces`. */
export const PIECE_RECORD_SIZE = 48;

export const readMembers: ReadMembers = (addon as { readMembers: ReadMembers }).readMembers;

export const readSpan: ReadSpan = (addon as { readSpan: ReadSpan }).readSpan;
