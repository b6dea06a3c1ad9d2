// Copies the bytes of a lower regular file into an upper file, in pieces, on pool threads. Holes stay holes. The last piece
// also completes the file, so that a small file takes one call.
import { isIntact } from '../../sys/file-state.ts';
import { MORE_FOLLOWS, type PackedMetadata, Sync, fillLater } from '../../sys/upper-fill.ts';
import { Extent } from '../../tree/tree.ts';
import { type BorrowedRange, FileRange } from '../../vfs/blob-reader.ts';
import { EINTR, EIO } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

type BytesParts = Pick<CopyUpParts, 'tree' | 'content' | 'upper'>;

/** Maximum number of bytes, and of extents, between two calls of `isWanted`. */
const PIECE = 16 * 1024 * 1024;
const MEMORY_PIECE = 1024 * 1024;
const EXTENTS = 128;
const NO_RANGES = new Float64Array(0);
const NO_BYTES = new Uint8Array(0);

/** The bytes that one call copies: ranges of open files, or bytes in memory. */
interface Piece {
  readonly ranges: Float64Array;
  readonly borrowed: readonly BorrowedRange[];
  readonly bytes: Uint8Array;
  /** The start of the next piece. */
  readonly end: number;
}

/**
 * Copies the first `limit` bytes of the tree's file `lower` to `fd`, which then ends there, gives it `metadata`, and syncs it unless the upper is volatile. -EINTR if `isWanted` returns false, -EIO if the layer lacks bytes.
 */
export async function copyBytes(
  parts: BytesParts,
  lower: number,
  fd: number,
  limit: number,
  metadata: PackedMetadata,
  isWanted: () => boolean,
): Promise<Status> {
  const end = Math.min(parts.tree.sizeOf(lower), limit);
  const { isVolatile } = parts.upper;
  for (let offset = 0, isLast = false; !isLast;) {
    if (!isWanted()) return -EINTR;
    const gathered = gatherRanges(parts, lower, offset, end);
    const piece = gathered === undefined ? await readPiece(parts, lower, offset, end) : gathered;
    if (typeof piece === 'number') return piece;
    const start = offset;
    offset = piece.end;
    isLast = offset >= end;
    const sync = isVolatile ? Sync.NONE : isLast ? Sync.FINISH : Sync.START;
    const status = await fillPiece(piece, fd, start, isLast ? end : MORE_FOLLOWS, sync, metadata);
    if (status !== 0) return status;
  }
  return 0;
}

async function fillPiece(
  { ranges, borrowed, bytes }: Piece,
  fd: number,
  offset: number,
  size: number,
  sync: number,
  { numbers, xattrs }: PackedMetadata,
): Promise<Status> {
  if (size === MORE_FOLLOWS && ranges.length === 0 && bytes.length === 0) return 0;
  try {
    const status = await fillLater(fd, ranges, bytes, offset, size, sync, numbers, xattrs);
    // All ranges of a file are in one blob.
    const [first] = borrowed;
    return status !== 0 || first === undefined || isIntact(first.range) ? status : -EIO;
  } finally {
    for (const each of borrowed) each.release();
  }
}

/** The next extents that are ranges of open files; undefined if the first is not. */
function gatherRanges(
  { tree, content }: BytesParts,
  lower: number,
  start: number,
  end: number,
): Piece | number | undefined {
  const limit = Math.min(end, start + PIECE);
  const extent = new Extent();
  const borrowed: BorrowedRange[] = [];
  const ranges: number[] = [];
  let offset = start;
  let isShort = false;
  for (; offset < limit && borrowed.length < EXTENTS && !isShort; offset += extent.length) {
    tree.mapExtent(lower, offset, limit - offset, extent);
    if (extent.blobOffset < 0) continue;
    const next = content.borrow(extent);
    if (next === undefined) break;
    const { fd, position, length } = next.range;
    borrowed.push(next);
    ranges.push(fd, position, offset, length);
    isShort = length < extent.length;
  }
  if (isShort) {
    for (const each of borrowed) each.release();
    return -EIO;
  }
  if (offset === start) return undefined;
  return { ranges: Float64Array.from(ranges), borrowed, bytes: NO_BYTES, end: offset };
}

/** The next bytes of a compressed layer, or of one whose bytes have to come first. */
async function readPiece(
  { tree, content }: BytesParts,
  lower: number,
  start: number,
  end: number,
): Promise<Piece | number> {
  const extent = new Extent();
  tree.mapExtent(lower, start, Math.min(MEMORY_PIECE, end - start), extent);
  const bytes = await content.read(lower, start, extent.length);
  if (typeof bytes === 'number') return bytes;
  if (bytes.length < extent.length) return -EIO;
  if (bytes instanceof FileRange) {
    const { fd, position, length } = bytes;
    const borrowed = [{ range: bytes, release: () => undefined }];
    return {
      ...{ ranges: Float64Array.of(fd, position, start, length), borrowed, bytes: NO_BYTES },
      end: start + length,
    };
  }
  return { ranges: NO_RANGES, borrowed: [], bytes, end: start + extent.length };
}
