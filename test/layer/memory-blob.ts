// A blob in memory, for tests.
import type { BlobReader } from '../../src/vfs/blob-reader.ts';

/** Answers at most `chunk` bytes a read, by promise: as an awkward reader may at the end of a span. */
export function memoryBlob(bytes: Buffer, chunk = Infinity): BlobReader {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + Math.min(length, chunk))),
    close: () => undefined,
  };
}
