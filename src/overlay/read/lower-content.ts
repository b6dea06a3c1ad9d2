// LowerContent: reads the bytes of the tree's regular files from the layers' blobs.
//
// A range that is one piece of a blob is answered as the layer's reader answers it, so that the driver can move the bytes
// itself. Only a read that crosses the border of a hole is put together in memory.
import { read } from 'node:fs';
import { isIntact } from '../../sys/file-state.ts';
import type { Tree } from '../../tree/tree.ts';
import { Extent } from '../../tree/tree.ts';
import { type BlobReader, type BorrowedRange, FileRange, type ReadResult } from '../../vfs/blob-reader.ts';
import { EINVAL, EIO, ENXIO } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const NO_BYTES = new Uint8Array(0);

/** Contiguous bytes of a blob that are in order, between holes, in a file: sparse files are stored packed. */
interface Run {
  readonly layer: number;
  readonly blobOffset: number;
  length: number;
  /** Places of the bytes in the answer, in order: offset and length. */
  readonly parts: [number, number][];
}

export class LowerContent {
  readonly #tree: Tree;
  /** By layer, base first. Their opener closes them. */
  readonly #readers: readonly BlobReader[];
  readonly #extent = new Extent();
  /** Zeros for holes; grows to the largest read. */
  #zeros = NO_BYTES;

  constructor(tree: Tree, readers: readonly BlobReader[]) {
    this.#tree = tree;
    this.#readers = readers;
  }

  /** As FileSystem.read, for a regular file of the tree; -EIO if the blob ends before the file does. */
  read(inode: number, offset: number, length: number): ReadResult | Promise<ReadResult> {
    const size = this.#tree.sizeOf(inode);
    if (offset >= size || length <= 0) return NO_BYTES;
    const wanted = Math.min(length, size - offset);
    const extent = this.#extent;
    this.#tree.mapExtent(inode, offset, wanted, extent);
    if (extent.length < wanted) return this.#join(inode, offset, wanted);
    if (extent.blobOffset < 0) return this.#zeroBytes(wanted);
    return this.#readBlob(extent.layer, extent.blobOffset, wanted);
  }

  /** As BlobReader.borrow, for an extent of data. */
  borrow({ layer, blobOffset, length }: Extent): BorrowedRange | undefined {
    return this.#readers[layer]?.borrow?.(blobOffset, length);
  }

  /** The first of these bytes of a regular file, as far as they are one range of a file. Undefined: as for `borrow`, and for holes. */
  borrowAt(inode: number, offset: number, length: number): BorrowedRange | undefined {
    const wanted = Math.min(length, this.#tree.sizeOf(inode) - offset);
    if (wanted <= 0) return undefined;
    const extent = this.#extent;
    this.#tree.mapExtent(inode, offset, wanted, extent);
    return extent.blobOffset < 0 ? undefined : this.borrow(extent);
  }

  /** As FileSystem.seek, for a regular file of the tree. */
  seek(inode: number, offset: number, whence: number): number {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return -EINVAL;
    if (offset < 0 || offset >= this.#tree.sizeOf(inode)) return -ENXIO;
    if (whence === SEEK_HOLE) return this.#tree.nextHole(inode, offset);
    const found = this.#tree.nextData(inode, offset);
    return found < 0 ? -ENXIO : found;
  }

  #readBlob(layer: number, offset: number, length: number): ReadResult | Promise<ReadResult> {
    const reader = this.#readers[layer];
    if (reader === undefined || offset + length > reader.size) return -EIO;
    return reader.read(offset, length);
  }

  #zeroBytes(length: number): Uint8Array {
    if (this.#zeros.length < length) this.#zeros = new Uint8Array(length);
    return this.#zeros.subarray(0, length);
  }

  async #join(inode: number, offset: number, length: number): Promise<ReadResult> {
    const joined = new Uint8Array(length);
    for (const run of this.#runs(inode, offset, length)) {
      const bytes = await this.#readRun(run);
      if (typeof bytes === 'number') return bytes;
      let from = 0;
      for (const [to, count] of run.parts) {
        joined.set(bytes.subarray(from, from + count), to);
        from += count;
      }
    }
    return joined;
  }

  #runs(inode: number, offset: number, length: number): Run[] {
    const runs: Run[] = [];
    const extent = this.#extent;
    for (let at = 0; at < length; at += extent.length) {
      this.#tree.mapExtent(inode, offset + at, length - at, extent);
      if (extent.blobOffset < 0) continue;
      const last = runs.at(-1);
      if (last !== undefined && last.blobOffset + last.length === extent.blobOffset) {
        last.parts.push([at, extent.length]);
        last.length += extent.length;
      } else {
        const { layer, blobOffset } = extent;
        runs.push({ layer, blobOffset, length: extent.length, parts: [[at, extent.length]] });
      }
    }
    return runs;
  }

  async #readRun({ layer, blobOffset, length }: Run): Promise<Uint8Array | number> {
    const result = await this.#readBlob(layer, blobOffset, length);
    if (typeof result === 'number') return result;
    if (!(result instanceof FileRange)) return result.length < length ? -EIO : result;
    const bytes = new Uint8Array(length);
    const status = await readRange(result, bytes);
    return status < 0 ? status : bytes;
  }
}

/** Fills `out` from the file, on a pool thread; -EIO if the file is too short or has changed. */
async function readRange(range: FileRange, out: Uint8Array): Promise<Status> {
  let filled = 0;
  while (filled < out.length) {
    const count = await new Promise<number>((resolve) => {
      read(range.fd, out, filled, out.length - filled, range.position + filled, (error, bytesRead) =>
        resolve(error === null ? bytesRead : -EIO),
      );
    });
    if (count <= 0) return -EIO;
    filled += count;
  }
  return isIntact(range) ? 0 : -EIO;
}
