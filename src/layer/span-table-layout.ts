// The layout of a SpanTable as bytes, the first body of an index file: widest elements first, each column at a multiple
// of 8.
import type { SpanTable } from '../sys/scan.ts';
import { align8 } from './layer-index-layout.ts';

/** The length of a table in bytes. */
export function spanTableLength(count: number, windowsLength: number): number {
  return (
    2 * 8 * (count + 1) +
    align8(4 * (count + 1)) +
    align8(4 * count) +
    2 * align8(count) +
    align8(windowsLength)
  );
}

/** The columns as views of `buffer` from `offset` on, a multiple of 8. The buffer must be long enough. */
export function viewSpanTable(
  buffer: ArrayBuffer,
  offset: number,
  count: number,
  windowsLength: number,
): SpanTable {
  const blobOffset = offset + 8 * (count + 1);
  const windowOffset = blobOffset + 8 * (count + 1);
  const crc32 = windowOffset + align8(4 * (count + 1));
  const bits = crc32 + align8(4 * count);
  const kind = bits + align8(count);
  const windows = kind + align8(count);
  return {
    count,
    plainOffset: new Float64Array(buffer, offset, count + 1),
    blobOffset: new Float64Array(buffer, blobOffset, count + 1),
    windowOffset: new Uint32Array(buffer, windowOffset, count + 1),
    crc32: new Uint32Array(buffer, crc32, count),
    bits: new Uint8Array(buffer, bits, count),
    kind: new Uint8Array(buffer, kind, count),
    windows: new Uint8Array(buffer, windows, windowsLength),
  };
}

/** A copy of the table as bytes. */
export function bytesOfSpanTable(spans: SpanTable): Uint8Array {
  const { count } = spans;
  const buffer = new ArrayBuffer(spanTableLength(count, spans.windows.length));
  const copy = viewSpanTable(buffer, 0, count, spans.windows.length);
  copy.plainOffset.set(spans.plainOffset.subarray(0, count + 1));
  copy.blobOffset.set(spans.blobOffset.subarray(0, count + 1));
  copy.windowOffset.set(spans.windowOffset.subarray(0, count + 1));
  copy.crc32.set(spans.crc32.subarray(0, count));
  copy.bits.set(spans.bits.subarray(0, count));
  copy.kind.set(spans.kind.subarray(0, count));
  copy.windows.set(spans.windows);
  return new Uint8Array(buffer);
}
