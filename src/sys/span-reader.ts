// Decompresses one span (native/addon/span_reader.cc) from the checkpoint that a scan recorded.
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

export const readSpan: ReadSpan = (addon as { readSpan: ReadSpan }).readSpan;
