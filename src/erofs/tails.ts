// The bytes after the end of a file, up to the end of its block. A mapping of the file shows them, and whoever wrote the
// archive chose them: a file is used in place to its end only if they are zeros. The pass that indexes a layer notes that
// (InodeFlag.cleanTail); what it has not noted is read here.
import type { ErofsLayer } from './source.ts';
import { BLOCK } from './layout.ts';
import { readLayer } from './read-layer.ts';

const WINDOW = 1 << 18;
/** Reading this much costs less than another call. */
const GAP = 1 << 14;
const ZEROS = Buffer.alloc(BLOCK);

/**
 * The ends of files of one layer whose tails are not zeros, or not there. `ends`: for each file the offset in the layer of
 * the first byte after it, ascending. Throws ErrnoError if the layer can't be read.
 */
export async function findDirtyTails(
  { reader, startByte }: ErofsLayer,
  ends: Float64Array,
): Promise<Set<number>> {
  const dirty = new Set<number>();
  const window = Buffer.allocUnsafe(WINDOW);
  const blockEnd = (end: number): number => end + BLOCK - ((startByte + end) % BLOCK);
  for (let i = 0; i < ends.length;) {
    const start = ends[i] as number;
    let stop = start;
    let next = i;
    for (; next < ends.length; next++) {
      const end = ends[next] as number;
      if (end - stop > GAP || blockEnd(end) - start > WINDOW) break;
      stop = Math.max(stop, blockEnd(end));
    }
    const filled = await readLayer(reader, start, window.subarray(0, stop - start));
    for (; i < next; i++) {
      const end = ends[i] as number;
      const from = end - start;
      const to = blockEnd(end) - start;
      if (to > filled || window.compare(ZEROS, 0, to - from, from, to) !== 0) dirty.add(end);
    }
  }
  return dirty;
}
