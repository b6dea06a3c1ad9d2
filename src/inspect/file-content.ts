// Reads the bytes of the merged tree's regular files without a mount.
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { Extent, type Tree } from '../tree/tree.ts';
import { type BlobReader, FileRange } from '../vfs/blob-reader.ts';
import { EIO, ErrnoError } from '../vfs/errno.ts';

const readFrom = promisify(read);

/** The most bytes of one read. */
const PIECE = 1 << 20;

export class FileContent {
  readonly #tree: Tree;
  /** By layer, base first. The caller who opened them closes them. */
  readonly #readers: readonly BlobReader[];

  constructor(tree: Tree, readers: readonly BlobReader[]) {
    this.#tree = tree;
    this.#readers = readers;
  }

  /** All bytes of regular file `inode`, in order, in buffers that the caller may keep. Throws ErrnoError (EIO) if the blob was changed. */
  async *read(inode: number): AsyncGenerator<Uint8Array, void> {
    yield* this.#range(inode, 0, this.#tree.sizeOf(inode));
  }

  /** Like `read`, for the bytes from offset `from` up to, not including, `to`, or up to the end of the file. */
  async *readRange(inode: number, from: number, to: number): AsyncGenerator<Uint8Array, void> {
    yield* this.#range(inode, from, Math.min(to, this.#tree.sizeOf(inode)));
  }

  /** Offset and length of each piece of data, in order; undefined for a file without holes. */
  pieces(inode: number): [number, number][] | undefined {
    const size = this.#tree.sizeOf(inode);
    const found: [number, number][] = [];
    for (let end = 0; end < size;) {
      const start = this.#tree.nextData(inode, end);
      if (start < 0) break;
      end = this.#tree.nextHole(inode, start);
      found.push([start, end - start]);
    }
    const isWhole = size === 0 || (found.length === 1 && found[0]?.[0] === 0 && found[0][1] === size);
    return isWhole ? undefined : found;
  }

  /** Like `read`, without the holes: the pieces of data are concatenated. */
  async *readPieces(
    inode: number,
    pieces: readonly (readonly [number, number])[],
  ): AsyncGenerator<Uint8Array, void> {
    for (const [offset, length] of pieces) yield* this.#range(inode, offset, offset + length);
  }

  async *#range(inode: number, from: number, to: number): AsyncGenerator<Uint8Array, void> {
    const extent = new Extent();
    for (let offset = from; offset < to; offset += extent.length) {
      this.#tree.mapExtent(inode, offset, Math.min(PIECE, to - offset), extent);
      const { layer, blobOffset, length } = extent;
      yield blobOffset < 0 ? new Uint8Array(length) : await this.#readBlob(layer, blobOffset, length);
      extent.length = length;
    }
  }

  async #readBlob(layer: number, offset: number, length: number): Promise<Uint8Array> {
    const reader = this.#readers[layer];
    if (reader === undefined) throw new ErrnoError(-EIO, 'read');
    return readBlobBytes(reader, offset, length);
  }
}

/** `length` bytes of a layer's tar, in a buffer that the caller may keep. Throws ErrnoError (EIO) if not all of them can be read. */
export async function readBlobBytes(reader: BlobReader, offset: number, length: number): Promise<Uint8Array> {
  const answer = reader.read(offset, length);
  // A synchronous result is only valid until the next turn of the event loop.
  const result = answer instanceof Uint8Array ? Buffer.from(answer) : await answer;
  if (typeof result === 'number') throw new ErrnoError(result, 'read');
  const bytes = result instanceof FileRange ? await readRange(result) : result;
  if (bytes.length < length || reader.isSourceChanged?.() === true) throw new ErrnoError(-EIO, 'read');
  return bytes;
}

async function readRange({ fd, position, length }: FileRange): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await readFrom(fd, bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
