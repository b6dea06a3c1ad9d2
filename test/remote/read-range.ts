// The bytes of a range of an open file.
import { readSync } from 'node:fs';
import type { FileRange } from '../../src/vfs/blob-reader.ts';

export function readRangeOf({ fd, position, length }: FileRange): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}
