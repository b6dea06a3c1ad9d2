// Decides whether two regular files hold the same bytes: first by their places in the layers, then by reading both piece by
// piece. All views that report changes use it.
import type { Layer } from '../layer/layer.ts';
import { type LayerIndex, InodeFlag } from '../layer/layer-index.ts';
import {
  copyExtents,
  extentBlobOffset,
  extentCount,
  extentEnd,
  extentStart,
  findExtent,
  measureExtents,
} from '../tree/extents.ts';
import { Extent, type Tree } from '../tree/tree.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { readBlobBytes } from './file-content.ts';

/** Bytes of each file that are read at once. */
const PIECE = 1 << 20;

/** A layer's bytes. Two sources of the same identity hold the same bytes. */
export interface ContentSource {
  /** The DiffID, or the layer itself if it has none. */
  readonly identity: string | Layer;
  /** Owned by the caller. */
  readonly reader: BlobReader;
}

/** The places of one regular file's bytes. */
export interface FileBytes {
  readonly size: number;
  /** Fills `out` for at most `length` bytes from `offset` on. */
  map(offset: number, length: number, out: Extent): void;
  /** The source of the layer that `map` returned. */
  sourceOf(layer: number): ContentSource;
}

export interface ComparisonLimits {
  /** The most bytes to read of each file; no limit by default. */
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * undefined: more than `most` bytes would have to be read. Throws ErrnoError (EIO) if a blob was changed, and the signal's
 * reason.
 */
export async function haveSameBytes(
  a: FileBytes,
  b: FileBytes,
  { most = Infinity, signal }: ComparisonLimits = {},
): Promise<boolean | undefined> {
  if (a.size !== b.size) return false;
  const [left, right] = [new Extent(), new Extent()];
  let read = 0;
  for (let at = 0; at < a.size;) {
    a.map(at, a.size - at, left);
    b.map(at, b.size - at, right);
    const shared = Math.min(left.length, right.length);
    if (shared <= 0) return undefined; // a malformed list of extents: no progress
    if (liesAtOnePlace(a, left, b, right)) {
      at += shared;
      continue;
    }
    if ((read += shared) > most) return undefined;
    if (!(await areEqual(a, left, b, right, shared, signal))) return false;
    at += shared;
  }
  return true;
}

function liesAtOnePlace(a: FileBytes, left: Extent, b: FileBytes, right: Extent): boolean {
  if (left.blobOffset < 0 && right.blobOffset < 0) return true;
  return (
    left.blobOffset === right.blobOffset &&
    a.sourceOf(left.layer).identity === b.sourceOf(right.layer).identity
  );
}

async function areEqual(
  a: FileBytes,
  left: Extent,
  b: FileBytes,
  right: Extent,
  length: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let done = 0; done < length; done += PIECE) {
    signal?.throwIfAborted();
    const piece = Math.min(PIECE, length - done);
    const one = await readPiece(a, left, done, piece);
    const other = await readPiece(b, right, done, piece);
    if (Buffer.compare(one, other) !== 0) return false;
  }
  return true;
}

function readPiece(
  file: FileBytes,
  { layer, blobOffset }: Extent,
  offset: number,
  length: number,
): Promise<Uint8Array> | Uint8Array {
  if (blobOffset < 0) return new Uint8Array(length);
  return readBlobBytes(file.sourceOf(layer).reader, blobOffset + offset, length);
}

/** The bytes of an inode of a merged tree; `sources` by layer, base first. */
export function bytesInTree(tree: Tree, inode: number, sources: readonly ContentSource[]): FileBytes {
  return {
    size: tree.sizeOf(inode),
    map: (offset, length, out) => tree.mapExtent(inode, offset, length, out),
    sourceOf: (layer) => sources[layer] as ContentSource,
  };
}

/** The bytes of an inode of one layer, which is not a metacopy: a lower layer holds the bytes of those. */
export function bytesInLayer(index: LayerIndex, inode: number, source: ContentSource): FileBytes {
  const size = index.size[inode] as number;
  const data = index.dataOffset[inode] as number;
  const isSparse = ((index.inodeFlags[inode] as number) & InodeFlag.sparse) !== 0;
  const map = isSparse ? mapSparse(index.extents, data, size) : mapPlain(data, size);
  return { size, map, sourceOf: () => source };
}

const mapPlain =
  (data: number, size: number): FileBytes['map'] =>
  (offset, length, out) => {
    out.layer = 0;
    out.blobOffset = data + offset;
    out.length = Math.min(length, size - offset);
  };

function mapSparse(list: Float64Array, at: number, size: number): FileBytes['map'] {
  const extents = new Float64Array(measureExtents(list, at));
  copyExtents(list, at, extents, 0);
  return (offset, length, out) => {
    const wanted = Math.min(length, size - offset);
    const n = findExtent(extents, 0, offset);
    const start = n < extentCount(extents, 0) ? extentStart(extents, 0, n) : Infinity;
    const isHole = start > offset;
    out.layer = 0;
    out.blobOffset = isHole ? -1 : extentBlobOffset(extents, 0, n) + offset - start;
    out.length = Math.min(wanted, (isHole ? start : extentEnd(extents, 0, n)) - offset);
  };
}
