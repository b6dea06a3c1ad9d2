// LayerFiles: a file system whose root has one file for each layer that no file holds as plain bytes. The file has the
// uncompressed bytes of the layer. The kernel's EROFS driver reads them as an extra device.
//
// A file is named by its position, "0", "1", ...; the root lists none. Nobody else is meant to see it: the mount is
// detached as soon as EROFS has its files open.
import { type Attr, S_IFDIR, S_IFREG } from '../vfs/attr.ts';
import type { BlobReader, ReadResult } from '../vfs/blob-reader.ts';
import { EINVAL, EISDIR, ENODATA, ENOENT, ENOTDIR, ENOTTY, ENXIO, ESTALE } from '../vfs/errno.ts';
import {
  type Entry,
  type NodeId,
  ROOT_NODE_ID,
  type ReadOnlyFileSystem,
  type StatFs,
  type Status,
} from '../vfs/filesystem.ts';
import { NAME_MAX } from '../vfs/names.ts';

const BLOCK = 512;
const FIRST_FILE = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const NO_BYTES = new Uint8Array(0);

export class LayerFiles implements ReadOnlyFileSystem {
  readonly isReadOnly = true;
  readonly hasPosixAcl = false;
  readonly #readers: readonly BlobReader[];

  /** `readers` by file; their opener closes them after this. */
  constructor(readers: readonly BlobReader[]) {
    this.#readers = readers;
  }

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    if (parent !== ROOT_NODE_ID) return -ENOTDIR;
    const text = Buffer.from(name).toString('latin1');
    const number = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : -1;
    if (this.#readers[number] === undefined) return -ENOENT;
    out.nodeId = (FIRST_FILE + number) as NodeId;
    out.generation = 0;
    return this.getattr(out.nodeId, out.attr);
  }

  forget(): void {
    return;
  }

  getattr(node: NodeId, out: Attr): Status {
    const size = node === ROOT_NODE_ID ? 0 : this.#readerOf(node)?.size;
    if (size === undefined) return -ESTALE;
    out.ino = node;
    out.mode = node === ROOT_NODE_ID ? S_IFDIR | 0o500 : S_IFREG | 0o400;
    out.nlink = node === ROOT_NODE_ID ? 2 : 1;
    out.uid = out.gid = out.rdev = 0;
    out.size = size;
    out.blocks = Math.ceil(size / BLOCK);
    out.atimeSec = out.mtimeSec = out.ctimeSec = 0;
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = 0;
    return 0;
  }

  readlink(): number {
    return -EINVAL;
  }

  /** -EIO for bytes that can't be read, or whose source was written to. */
  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult> {
    const reader = this.#readerOf(node);
    if (reader === undefined) return node === ROOT_NODE_ID ? -EISDIR : -ESTALE;
    if (offset >= reader.size || length <= 0) return NO_BYTES;
    return reader.read(offset, Math.min(length, reader.size - offset));
  }

  readdir(node: NodeId): Status {
    return node === ROOT_NODE_ID ? 0 : -ENOTDIR;
  }

  seek(node: NodeId, offset: number, whence: number): number {
    const size = this.#readerOf(node)?.size;
    if (size === undefined || (whence !== SEEK_DATA && whence !== SEEK_HOLE)) return -EINVAL;
    if (offset < 0 || offset >= size) return -ENXIO;
    return whence === SEEK_DATA ? offset : size;
  }

  getxattr(): number {
    return -ENODATA;
  }

  listxattr(): Uint8Array {
    return NO_BYTES;
  }

  getFlags(): number {
    return -ENOTTY;
  }

  statfs(out: StatFs): Status {
    out.blockSize = BLOCK;
    out.blocks = this.#readers.reduce((sum, { size }) => sum + Math.ceil(size / BLOCK), 0);
    out.blocksFree = out.blocksAvailable = out.filesFree = 0;
    out.files = this.#readers.length;
    out.nameLength = NAME_MAX;
    return 0;
  }

  close(): void {
    return;
  }

  #readerOf(node: NodeId): BlobReader | undefined {
    return this.#readers[node - FIRST_FILE];
  }
}
