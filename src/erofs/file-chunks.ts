// The chunks of a regular file. A chunk of an EROFS file is a power of two of 512-byte blocks, the same for the whole
// file, and lies somewhere in one piece: in a device, in the image, or nowhere (a hole).
//
// A piece of a layer can be used in place if it begins at a block of its device. What can't is copied into the image, a
// chunk at a time: large chunks copy more, small ones need more indexes. The size is chosen so that both together take
// the fewest bytes.
import { Extent, type Tree } from '../tree/tree.ts';
import { BLOCK, CHUNK_INDEX_SIZE, MAX_BLOCKS, MAX_CHUNK_BITS } from './layout.ts';
import type { ErofsLayer } from './source.ts';

/** The chunks of one file. */
export interface FileChunks {
  /** A chunk is 512 << bits bytes. */
  readonly bits: number;
  readonly count: number;
  /** Blocks that are copied into the image. */
  readonly copiedBlocks: number;
}

/** A piece of a file that has bytes. */
interface Piece {
  readonly start: number;
  /** After the last byte. */
  readonly end: number;
  /** The offset of `start` in the device, in bytes; -1: it can't be used in place. */
  readonly position: number;
}

/** A chunk: in place from block `block` of the layer's device on, copied, or a hole. */
export interface Chunk {
  readonly kind: 'device' | 'copied' | 'hole';
  readonly block: number;
  /** Offset in the file, in bytes, and length, up to the end of the file. */
  readonly start: number;
  readonly length: number;
}

export const bytesOfChunk = (bits: number): number => BLOCK * 2 ** bits;

/** The smallest chunk that holds a whole file of `size` bytes. */
export function wholeFileBits(size: number): number {
  const blocks = Math.ceil(size / BLOCK);
  return blocks <= 1 ? 0 : Math.min(MAX_CHUNK_BITS, Math.ceil(Math.log2(blocks)));
}

/**
 * The first block in its device of a file that is one piece and can be used in place as it is; -1: `planChunks` decides.
 * The bytes after its end are not looked at. `extent` is scratch space.
 */
export function blockOfWhole(
  tree: Tree,
  inode: number,
  { device, startByte }: ErofsLayer,
  extent: Extent,
): number {
  const size = tree.sizeOf(inode);
  if (device === undefined) return -1;
  tree.mapExtent(inode, 0, size, extent);
  if (extent.blobOffset < 0 || extent.length < size) return -1;
  const position = startByte + extent.blobOffset;
  return isUsable(position, size) && size <= bytesOfChunk(MAX_CHUNK_BITS) ? position / BLOCK : -1;
}

function isUsable(position: number, length: number): boolean {
  return position % BLOCK === 0 && Math.ceil((position + length) / BLOCK) <= MAX_BLOCKS;
}

/** True if the last block of the file can be used in place, so that the bytes after the file's end would show. */
export function endsInPlace(tree: Tree, inode: number, layer: ErofsLayer, extent: Extent): boolean {
  const size = tree.sizeOf(inode);
  if (size % BLOCK === 0 || layer.device === undefined) return false;
  tree.mapExtent(inode, size - 1, 1, extent);
  return extent.blobOffset >= 0 && (layer.startByte + extent.blobOffset - (size - 1)) % BLOCK === 0;
}

/** `isTailDirty`: the bytes after the end of the file, in its last block, are missing or not zero. */
export function planChunks(tree: Tree, inode: number, layer: ErofsLayer, isTailDirty: boolean): FileChunks {
  const size = tree.sizeOf(inode);
  const pieces = piecesOf(tree, inode, layer, isTailDirty);
  let best: FileChunks | undefined;
  let bestCost = Infinity;
  for (let bits = wholeFileBits(size); bits >= 0; bits--) {
    const count = Math.ceil(size / bytesOfChunk(bits));
    if (count * CHUNK_INDEX_SIZE > bestCost) break;
    const copiedBlocks = countCopied(pieces, size, bits);
    const cost = count * CHUNK_INDEX_SIZE + copiedBlocks * BLOCK;
    if (cost < bestCost) {
      best = { bits, count, copiedBlocks };
      bestCost = cost;
    }
  }
  return best as FileChunks;
}

/** The chunks of a file, in order. */
export function* chunksOf(
  tree: Tree,
  inode: number,
  layer: ErofsLayer,
  { bits, isTailDirty }: { readonly bits: number; readonly isTailDirty: boolean },
): Generator<Chunk> {
  const size = tree.sizeOf(inode);
  const pieces = piecesOf(tree, inode, layer, isTailDirty);
  const step = bytesOfChunk(bits);
  let next = 0;
  for (let start = 0; start < size; start += step) {
    const length = Math.min(step, size - start);
    while (next < pieces.length && (pieces[next] as Piece).end <= start) next++;
    const piece = pieces[next];
    if (piece === undefined || piece.start >= start + length) {
      yield { kind: 'hole', block: 0, start, length };
    } else if (isWhole(piece, start, length)) {
      const block = (piece.position + start - piece.start) / BLOCK;
      yield { kind: 'device', block, start, length };
    } else yield { kind: 'copied', block: 0, start, length };
  }
}

function isWhole({ start, end, position }: Piece, from: number, length: number): boolean {
  return position >= 0 && start <= from && end >= from + length && (position + from - start) % BLOCK === 0;
}

function countCopied(pieces: readonly Piece[], size: number, bits: number): number {
  const step = bytesOfChunk(bits);
  let blocks = 0;
  let counted = -1;
  const count = (first: number, last: number): void => {
    const from = Math.max(first, counted + 1);
    if (last < from) return;
    counted = last;
    blocks += Math.ceil((Math.min(size, (last + 1) * step) - from * step) / BLOCK);
  };
  for (const piece of pieces) {
    const first = Math.floor(piece.start / step);
    const last = Math.floor((piece.end - 1) / step);
    const isAligned = piece.position >= 0 && (piece.position - piece.start) % BLOCK === 0;
    if (!isAligned) {
      count(first, last);
      continue;
    }
    const lengthAt = (chunk: number): number => Math.min(step, size - chunk * step);
    if (!isWhole(piece, first * step, lengthAt(first))) count(first, first);
    if (last > first && !isWhole(piece, last * step, lengthAt(last))) count(last, last);
  }
  return blocks;
}

function piecesOf(tree: Tree, inode: number, layer: ErofsLayer, isTailDirty: boolean): Piece[] {
  const size = tree.sizeOf(inode);
  const cut = isTailDirty ? Math.floor(size / BLOCK) * BLOCK : size;
  const pieces: Piece[] = [];
  const extent = new Extent();
  for (
    let start = nextData(tree, inode, 0);
    start >= 0;
    start = nextData(tree, inode, start + extent.length)
  ) {
    tree.mapExtent(inode, start, size - start, extent);
    const end = start + extent.length;
    const position = layer.device === undefined ? -1 : layer.startByte + extent.blobOffset;
    const isInRange = position >= 0 && Math.ceil((position + extent.length) / BLOCK) <= MAX_BLOCKS;
    if (start < cut) pieces.push({ start, end: Math.min(end, cut), position: isInRange ? position : -1 });
    if (end > cut) pieces.push({ start: Math.max(start, cut), end, position: -1 });
  }
  return pieces;
}

function nextData(tree: Tree, inode: number, offset: number): number {
  return offset < tree.sizeOf(inode) ? tree.nextData(inode, offset) : -1;
}
