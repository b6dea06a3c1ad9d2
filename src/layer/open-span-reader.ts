// Connects a SpanReader with the native decoder, which reads the blob from its file.
import { closeSync } from 'node:fs';
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

/** The stored bytes of a reader. */
export interface StoredBlob {
  /** Open for reading. */
  readonly fd: number;
  /** The blob's place in the file, in bytes. */
  readonly offset: number;
  /**
   * Undefined if bytes `offset` to `offset + length` of the blob are here. Otherwise a promise of 0 once they are, or of
   * -EIO. Undefined: all are here.
   */
  readonly have?: (offset: number, length: number) => Promise<number> | undefined;
  /** The same of the window of a span. Undefined: all are in the table. */
  readonly haveWindow?: (span: number) => Promise<number> | undefined;
  isSourceChanged(): boolean;
  /** Called once, when nothing is read any more. */
  close(): void;
}

/** The whole blob in a file with `state`. Owns `fd` from now on. */
export function storedInFile(fd: number, { offset }: BlobLocation, state: FileState): StoredBlob {
  return { fd, offset, isSourceChanged: () => hasChanged(fd, state), close: () => closeSync(fd) };
}

/** The reader owns `blob` and `spillFd` from now on. */
export function openSpanReader(
  blob: StoredBlob,
  spans: SpanTable,
  cache: BlockCache,
  spillFd: number | undefined,
): BlobReader {
  const decode = async (span: number): Promise<Block> => {
    const size = (spans.plainOffset[span + 1] as number) - (spans.plainOffset[span] as number);
    const kind = spans.kind[span] as number;
    if (size > MAX_SPAN_SIZE || kind === SpanKind.spill) return -EIO;
    const start = spans.blobOffset[span] as number;
    const end = spans.blobOffset[span + 1] as number;
    // Some bits may be in the byte before.
    const before = Math.min(start, 1);
    const states = await Promise.all([
      blob.have?.(start - before, end - start + before),
      blob.haveWindow?.(span),
    ]);
    const failure = Math.min(...states.map((state) => state ?? 0));
    if (failure < 0) return failure;
    const out = Buffer.allocUnsafeSlow(size);
    const filled = await readSpan(
      blob.fd,
      blob.offset + start,
      end - start,
      kind,
      spans.bits[span] as number,
      spans.windows.subarray(spans.windowOffset[span], spans.windowOffset[span + 1]),
      spans.crc32[span] as number,
      out,
    );
    return filled < 0 ? filled : out;
  };
  const close = (): void => blob.close();
  const isSourceChanged = (): boolean => blob.isSourceChanged();
  return new SpanReader(spans, cache.newOwner(), decode, close, spillFd, isSourceChanged);
}
