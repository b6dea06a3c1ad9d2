// Connects a SpanReader with the native decoder, which reads the blob from its file.
import type { Block, BlockCache } from '../cache/block-cache.ts';
import { SpanKind, type SpanTable } from '../sys/scan.ts';
import { hasChanged } from '../sys/file-state.ts';
import { readSpan } from '../sys/span-reader.ts';
import type { BlobReader, FileState } from '../vfs/blob-reader.ts';
import { EIO } from '../vfs/errno.ts';
import type { BlobLocation } from './layer.ts';
import { SpanReader } from './span-reader.ts';

/**
 * Limit of spans that are decompressed in memory; the threshold of the scan is lower. Longer spans are read from a
 * spill file. An index that has one without a spill file is not from a scan.
 */
const MAX_SPAN_SIZE = 64 << 20;

/** The reader owns `fd` (the file that holds `blob`, with `state`) and `spillFd` from now on. */
export function openSpanReader(
  fd: number,
  blob: BlobLocation,
  spans: SpanTable,
  cache: BlockCache,
  spillFd: number | undefined,
  state: FileState,
): BlobReader {
  const decode = async (span: number): Promise<Block> => {
    const size = (spans.plainOffset[span + 1] as number) - (spans.plainOffset[span] as number);
    const kind = spans.kind[span] as number;
    if (size > MAX_SPAN_SIZE || kind === SpanKind.spill) return -EIO;
    const start = spans.blobOffset[span] as number;
    const out = Buffer.allocUnsafeSlow(size);
    const filled = await readSpan(
      fd,
      blob.offset + start,
      (spans.blobOffset[span + 1] as number) - start,
      kind,
      spans.bits[span] as number,
      spans.windows.subarray(spans.windowOffset[span], spans.windowOffset[span + 1]),
      spans.crc32[span] as number,
      out,
    );
    return filled < 0 ? filled : out;
  };
  const isSourceChanged = (): boolean => hasChanged(fd, state);
  return new SpanReader(spans, cache.newOwner(), decode, [fd], spillFd, isSourceChanged);
}
