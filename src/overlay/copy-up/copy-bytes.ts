// Copies the bytes of a lower regular file into an upper file, in pieces, on pool threads. Holes stay holes.
import { isIntact } from '../../sys/file-state.ts';
import { copyRangeLater, truncateFile, writeLater } from '../../sys/upper-calls.ts';
import { Extent } from '../../tree/tree.ts';
import { type BorrowedRange, FileRange } from '../../vfs/blob-reader.ts';
import { EINTR, EIO } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

type BytesParts = Pick<CopyUpParts, 'tree' | 'content'>;

/** Bytes between two calls of `isWanted`. */
const PIECE = 16 * 1024 * 1024;
const MEMORY_PIECE = 1024 * 1024;

/**
 * Copies the first `limit` bytes of the tree's file `lower` to `fd`; the rest of the file's size becomes a hole. -EINTR if
 * `isWanted` returns false, -EIO if the layer lacks bytes.
 */
export async function copyBytes(
  parts: BytesParts,
  lower: number,
  fd: number,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const { tree } = parts;
  const size = tree.sizeOf(lower);
  const end = Math.min(size, limit);
  const extent = new Extent();
  for (let offset = 0; offset < end; offset += extent.length) {
    if (!isWanted()) return -EINTR;
    tree.mapExtent(lower, offset, Math.min(PIECE, end - offset), extent);
    if (extent.blobOffset < 0) continue;
    const status = await copyPiece(parts, lower, fd, offset, extent);
    if (status !== 0) return status;
  }
  return truncateFile(fd, size);
}

async function copyPiece(
  parts: BytesParts,
  lower: number,
  fd: number,
  offset: number,
  extent: Extent,
): Promise<Status> {
  const borrowed = parts.content.borrow(extent);
  const count =
    borrowed === undefined
      ? await copyThroughMemory(parts, lower, fd, offset, extent)
      : await copyRange(borrowed, fd, offset);
  if (count < 0) return count;
  return count === extent.length ? 0 : -EIO;
}

async function copyRange(borrowed: BorrowedRange, fd: number, offset: number): Promise<number> {
  const { range } = borrowed;
  try {
    const count = await copyRangeLater(range.fd, range.position, fd, offset, range.length);
    return isIntact(range) ? count : -EIO;
  } finally {
    borrowed.release();
  }
}

/** Compressed layers are copied in smaller pieces: this shortens `extent` to the piece that it copies. */
async function copyThroughMemory(
  { content }: BytesParts,
  lower: number,
  fd: number,
  offset: number,
  extent: Extent,
): Promise<number> {
  extent.length = Math.min(extent.length, MEMORY_PIECE);
  const piece = await content.read(lower, offset, extent.length);
  if (typeof piece === 'number') return piece;
  return piece instanceof FileRange ? -EIO : writeLater(fd, piece, offset);
}
