// Reads a layer's uncompressed bytes into memory.
import { readSync } from 'node:fs';
import { type BlobReader, FileRange } from '../vfs/blob-reader.ts';
import { ErrnoError } from '../vfs/errno.ts';

/**
 * Fills `out` with the bytes from `offset` on. Returns how many there were: fewer only at the end of the layer. Throws
 * ErrnoError if they can't be read.
 */
export async function readLayer(reader: BlobReader, offset: number, out: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < out.length) {
    const answer = reader.read(offset + filled, out.length - filled);
    const result = answer instanceof Promise ? await answer : answer;
    if (typeof result === 'number') throw new ErrnoError(result, 'read');
    const count =
      result instanceof FileRange
        ? readSync(result.fd, out, filled, Math.min(result.length, out.length - filled), result.position)
        : copy(result, out, filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  to.set(from, at);
  return from.length;
}
