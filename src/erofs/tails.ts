// The bytes after the end of a file, up to the end of its block. A mapping of the file shows them, and whoever wrote the
// archive chose them: a file is used in place to its end only if they are zeros.
import type { ErofsLayer } from './source.ts';
import { readLayer } from './read-layer.ts';

/** A range of a layer, shorter than a block, that must be zeros. */
export interface Tail {
  readonly inode: number;
  /** In the layer, in bytes. */
  readonly offset: number;
  readonly length: number;
}

const WINDOW = 1 << 18;
/** Reading this much costs less than another call. */
const GAP = 1 << 14;
const ZEROS = Buffer.alloc(512);

/**
 * Adds to `dirty` the inodes whose tails are not zeros, or not there. Sorts `tails`. Throws ErrnoError if the layer can't
 * be read.
 */
export async function findDirtyTails(
  { reader }: ErofsLayer,
  tails: Tail[],
  dirty: Set<number>,
): Promise<void> {
  tails.sort((a, b) => a.offset - b.offset);
  const window = Buffer.allocUnsafe(WINDOW);
  for (let i = 0; i < tails.length;) {
    const { offset: start } = tails[i] as Tail;
    let end = start;
    let next = i;
    for (; next < tails.length; next++) {
      const { offset, length } = tails[next] as Tail;
      if (offset - end > GAP || offset + length - start > WINDOW) break;
      end = Math.max(end, offset + length);
    }
    const filled = await readLayer(reader, start, window.subarray(0, end - start));
    for (; i < next; i++) {
      const { inode, offset, length } = tails[i] as Tail;
      const from = offset - start;
      const isClean = from + length <= filled && window.compare(ZEROS, 0, length, from, from + length) === 0;
      if (!isClean) dirty.add(inode);
    }
  }
}
