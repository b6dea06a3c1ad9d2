// Which regular files of an image are more than one piece in place, and how their chunks lie.
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { Extent, type Tree } from '../tree/tree.ts';
import { type FileChunks, blockOfWhole, endsInPlace, planChunks } from './file-chunks.ts';
import { BLOCK, CHUNK_INDEX_SIZE } from './layout.ts';
import type { ErofsLayer, ErofsSource } from './source.ts';
import { findDirtyTails } from './tails.ts';

/** A regular file that is not one piece of a device. */
export interface PlannedFile extends FileChunks {
  readonly isTailDirty: boolean;
}

/**
 * By inode: the regular files that are not one piece in place with a clean end. Throws InputError if more would be copied
 * than the source allows, ErrnoError if a layer can't be read.
 */
export async function planFiles(source: ErofsSource): Promise<Map<number, PlannedFile>> {
  const { tree, layers, maxCopiedBytes = Infinity } = source;
  const dirty: Set<number>[] = [];
  for (const [number, ends] of findEnds(source).entries()) {
    dirty.push(await findDirtyTails(layers[number] as ErofsLayer, ends));
  }
  const extent = new Extent();
  const files = new Map<number, PlannedFile>();
  let extraBytes = 0;
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    if (!hasBytes(tree, inode)) continue;
    const number = tree.layerOf(inode);
    const layer = layers[number] as ErofsLayer;
    const dirtyEnds = dirty[number] as Set<number>;
    const isTailDirty =
      dirtyEnds.size > 0 && endsInPlace(tree, inode, layer, extent) && dirtyEnds.has(extent.blobOffset + 1);
    if (!isTailDirty && blockOfWhole(tree, inode, layer, extent) >= 0) continue;
    const file = { ...planChunks(tree, inode, layer, isTailDirty), isTailDirty };
    files.set(inode, file);
    extraBytes += file.count * CHUNK_INDEX_SIZE + file.copiedBlocks * BLOCK;
    if (extraBytes > maxCopiedBytes) throw tooManyCopied(maxCopiedBytes);
  }
  return files;
}

/** By layer: the ends of the files that are used in place up to an end within a block that may not be zeros, ascending. */
function findEnds({ tree, layers }: ErofsSource): Float64Array[] {
  const extent = new Extent();
  const counts = new Uint32Array(layers.length);
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const number = tree.layerOf(inode);
    if (hasBytes(tree, inode)) counts[number] = (counts[number] as number) + 1;
  }
  const ends = Array.from(counts, (count) => new Float64Array(count));
  counts.fill(0);
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    if (!hasBytes(tree, inode)) continue;
    const number = tree.layerOf(inode);
    const layer = layers[number] as ErofsLayer;
    // A block of the device is one of the layer, too, and the pass over the layer has seen its zeros.
    if (tree.hasCleanTail(inode) && layer.startByte % BLOCK === 0) continue;
    if (!endsInPlace(tree, inode, layer, extent)) continue;
    const count = counts[number] as number;
    (ends[number] as Float64Array)[count] = extent.blobOffset + 1;
    counts[number] = count + 1;
  }
  return ends.map((each, number) => each.subarray(0, counts[number]).sort());
}

function hasBytes(tree: Tree, inode: number): boolean {
  return (tree.modeOf(inode) & S_IFMT) === S_IFREG && tree.sizeOf(inode) > 0;
}

function tooManyCopied(limit: number): InputError {
  return new InputError(
    `the layers have more than ${limit} bytes that an EROFS image would have to copy, because they do not begin at multiples of 512 bytes or are pieces of sparse files; the FUSE drivers read them in place`,
  );
}
