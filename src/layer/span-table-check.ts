// Checks a span table that was read from a file: only a table that a scan can have produced is used.
//
// A table has a few spans per MiB of the layer, and the decompressor checks the windows itself, so native code would
// not pay off here.
import { SpanKind, type SpanTable } from '../sys/scan.ts';

/** A window of 32 KiB that deflate can't compress becomes a few bytes longer. */
const MAX_WINDOW = (32 << 10) + 1024;
const MAX_BITS = 7;

/**
 * The fault of the spans of a layer of `tarSize` uncompressed bytes; undefined if they are good. A layer that is not
 * compressed has no spans.
 */
export function checkSpanTable(spans: SpanTable, tarSize: number, hasSpilled: boolean): string | undefined {
  const { count, plainOffset, blobOffset, windowOffset, windows } = spans;
  if (!isOffset(tarSize)) return 'the size of the tar is wrong';
  if (count === 0 && windows.length > 0) return 'there are windows and no spans';
  if (count === 0) return isOffset(blobOffset[0] as number) ? undefined : 'the size of the blob is wrong';
  if (!ascends(plainOffset) || !ascends(blobOffset)) return 'offsets of spans do not ascend';
  if (!ascends(windowOffset) || windowOffset[0] !== 0) return 'offsets of windows do not ascend';
  if (windowOffset[count] !== windows.length) return 'the windows do not fill their column';
  if (plainOffset[0] !== 0) return 'the first span does not begin at 0';
  if (plainOffset[count] !== tarSize) return 'the spans are not the whole tar';
  for (let span = 0; span < count; span++) {
    const window = (windowOffset[span + 1] as number) - (windowOffset[span] as number);
    const bits = spans.bits[span] as number;
    switch (spans.kind[span]) {
      case SpanKind.inflate:
        if (bits > MAX_BITS || window > MAX_WINDOW) return `span ${span} has a wrong checkpoint`;
        break;
      case SpanKind.zstd:
        if (bits !== 0 || window !== 0) return `span ${span} has a wrong checkpoint`;
        break;
      case SpanKind.spill:
        if (!hasSpilled) return `span ${span} was not spilled`;
        break;
      default:
        return `span ${span} has an unknown kind`;
    }
  }
  return undefined;
}

const isOffset = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** True for ascending offsets. */
function ascends(offsets: Float64Array | Uint32Array): boolean {
  let before = 0;
  for (const offset of offsets) {
    if (!isOffset(offset) || offset < before) return false;
    before = offset;
  }
  return true;
}
