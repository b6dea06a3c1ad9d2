// Tree: all layers merged, the flat, immutable table of lower inodes and dentries, with the queries of the overlay.
//
// Inode numbers are table indexes, the root is 0, and the same layers always give the same numbers. Arguments are
// trusted: an inode below inodeCount, of the right type. Methods that serve each request allocate nothing.
//
// Several mounts may have the same table. A mount that changes something takes a tree with marks of its own: the table
// itself never changes.
import { type Attr, S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT } from '../vfs/attr.ts';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../vfs/inode-flags.ts';
import {
  allocatedBytes,
  extentBlobOffset,
  extentCount,
  extentEnd,
  extentStart,
  findExtent,
} from './extents.ts';
import { type TableCounts, TableFlag, type TreeTable } from './layout.ts';
import { searchName } from './search.ts';
import { findXattr, listXattrs } from './xattrs.ts';
import { latin1Of } from '../vfs/names.ts';

/** The size that directories show; the tree stores none. */
const DIRECTORY_SIZE = 4096;
/** Bytes of a unit of Attr.blocks. */
const BLOCK = 512;
const NO_BYTES = new Uint8Array(0);

/** The position of some bytes of a file. One object is filled again and again. */
export class Extent {
  /** Layer number, base 0. */
  layer = 0;
  /** Offset in the layer's uncompressed blob; -1 for a hole. */
  blobOffset = -1;
  /** Bytes. */
  length = 0;
}

export class Tree {
  readonly inodeCount: number;
  /** Number of names; the root has none. */
  readonly dentryCount: number;
  readonly layerCount: number;
  /** False only if no inode has a POSIX ACL. */
  readonly hasPosixAcl: boolean;
  /** Sum of the sizes of regular files, in bytes, each inode once. */
  readonly totalSize: number;
  /** The bytes that nameStart and nameEnd index. */
  readonly namePool: Uint8Array;
  /** By inode: 1 as long as the table alone answers for it. */
  readonly pristine: Uint8Array;
  readonly #table: TreeTable;

  constructor(table: TreeTable, pristine = table.pristine) {
    this.inodeCount = table.inodeCount;
    this.dentryCount = table.dentryCount;
    this.layerCount = table.layerCount;
    this.hasPosixAcl = table.hasPosixAcl;
    this.totalSize = table.totalSize;
    this.namePool = table.pool;
    this.pristine = pristine;
    this.#table = table;
  }

  /** The same tree, whose inodes `clearPristine` marks for the caller alone. */
  withOwnMarks(): Tree {
    return new Tree(this.#table, this.#table.pristine.slice());
  }

  /** The whole table (layout.ts), for native code, for measuring and for saving. */
  get buffer(): ArrayBuffer {
    return this.#table.buffer;
  }

  get counts(): TableCounts {
    return this.#table.counts;
  }

  /** The inode of `name` in directory `inode`, or -1. */
  lookup(inode: number, name: Uint8Array): number {
    const dentry = this.findDentry(inode, name);
    return dentry < 0 ? -1 : (this.#table.target[dentry] as number);
  }

  /** The dentry of `name` in directory `inode`, or -1. */
  findDentry(inode: number, name: Uint8Array): number {
    const table = this.#table;
    const first = table.dataWords[2 * inode] as number;
    const count = table.dataWords[2 * inode + 1] as number;
    return searchName(table, first, count, name, 0, name.length);
  }

  /** True as long as this table alone answers for the inode. */
  isPristine(inode: number): boolean {
    return this.pristine[inode] === 1;
  }

  /** From now on the table no longer answers for the inode. */
  clearPristine(inode: number): void {
    this.pristine[inode] = 0;
  }

  /** Fills all fields except `ino`, which the overlay numbers. A layer stores no ctime: it is the mtime. */
  readAttr(inode: number, out: Attr): void {
    const table = this.#table;
    const mode = table.mode[inode] as number;
    const type = mode & S_IFMT;
    const size = type === S_IFDIR ? DIRECTORY_SIZE : (table.size[inode] as number);
    out.mode = mode;
    out.nlink = table.nlink[inode] as number;
    out.uid = table.uid[inode] as number;
    out.gid = table.gid[inode] as number;
    out.rdev = this.rdevOf(inode);
    out.size = size;
    out.blocks = type === S_IFDIR ? Math.ceil(size / BLOCK) : this.blocksOf(inode);
    out.mtimeSec = table.mtimeSec[inode] as number;
    out.mtimeNsec = table.mtimeNsec[inode] as number;
    out.ctimeSec = out.mtimeSec;
    out.ctimeNsec = out.mtimeNsec;
    out.atimeSec = table.atimeSec[inode] as number;
    out.atimeNsec = table.atimeNsec[inode] as number;
  }

  /** The distinct owners of all inodes. Scans all of them: not for hot paths. */
  users(): number[] {
    return [...new Set(this.#table.uid)];
  }

  groups(): number[] {
    return [...new Set(this.#table.gid)];
  }

  /** As st_mode. */
  modeOf(inode: number): number {
    return this.#table.mode[inode] as number;
  }

  /** The device number of a device (new_encode_dev); 0 for anything else. */
  rdevOf(inode: number): number {
    const type = this.modeOf(inode) & S_IFMT;
    return type === S_IFCHR || type === S_IFBLK ? (this.#table.dataWords[2 * inode] as number) : 0;
  }

  /** Bytes of a regular file, or of a symlink's target. */
  sizeOf(inode: number): number {
    return this.#table.size[inode] as number;
  }

  /** 512-byte units of anything but a directory. */
  blocksOf(inode: number): number {
    return Math.ceil((this.#isSparse(inode) ? this.#allocated(inode) : this.sizeOf(inode)) / BLOCK);
  }

  /** Number of names in the merged tree; for a directory 2 and its subdirectories. */
  linkCountOf(inode: number): number {
    return this.#table.nlink[inode] as number;
  }

  /** The layer that holds the inode's attributes and bytes; 0 is the base. */
  layerOf(inode: number): number {
    return this.#table.layer[inode] as number;
  }

  isDirectory(inode: number): boolean {
    return ((this.#table.mode[inode] as number) & S_IFMT) === S_IFDIR;
  }

  /** The parent of directory `inode` (the root is its own parent). */
  parentOf(inode: number): number {
    return this.#table.sizeWords[2 * inode] as number;
  }

  /** The children of directory `inode` are dentries first to first + count - 1, sorted bytewise by name. */
  firstChild(inode: number): number {
    return this.#table.dataWords[2 * inode] as number;
  }

  childCount(inode: number): number {
    return this.#table.dataWords[2 * inode + 1] as number;
  }

  dentryInode(dentry: number): number {
    return this.#table.target[dentry] as number;
  }

  nameStart(dentry: number): number {
    return this.#table.nameOffset[dentry] as number;
  }

  nameEnd(dentry: number): number {
    return (this.#table.nameOffset[dentry] as number) + (this.#table.nameLength[dentry] as number);
  }

  /** The name of a dentry as latin1. */
  nameOf(dentry: number): string {
    return latin1Of(this.namePool.subarray(this.nameStart(dentry), this.nameEnd(dentry)));
  }

  /** The target of symlink `inode`; a view. */
  readlink(inode: number): Uint8Array {
    const start = this.#table.data[inode] as number;
    return this.#table.pool.subarray(start, start + (this.#table.size[inode] as number));
  }

  /** Inodes with the same number, which is not 0, have the same xattrs; 0: the inode has none. */
  xattrBlockOf(inode: number): number {
    return this.#table.xattr[inode] as number;
  }

  /** The value of an xattr, a view; undefined if the inode doesn't have it. */
  getxattr(inode: number, name: Uint8Array): Uint8Array | undefined {
    const xattr = this.#table.xattr[inode] as number;
    return xattr === 0 ? undefined : findXattr(this.#table.xattrs, xattr - 1, name);
  }

  /** False if certainly no inode has an xattr of this name. Scans all xattrs: not for hot paths. */
  mentionsXattr(name: string): boolean {
    const { buffer, byteOffset, byteLength } = this.#table.xattrs;
    return Buffer.from(buffer, byteOffset, byteLength).includes(name, 'latin1');
  }

  /** Names, each terminated by NUL. */
  listxattr(inode: number): Uint8Array {
    const xattr = this.#table.xattr[inode] as number;
    return xattr === 0 ? NO_BYTES : listXattrs(this.#table.xattrs, xattr - 1);
  }

  /**
   * The position of the bytes of regular file `inode` at `offset`: at most `length` of them, up to the end of the file
   * or of the extent. `offset` must be below the size.
   */
  mapExtent(inode: number, offset: number, length: number, out: Extent): void {
    const table = this.#table;
    const wanted = Math.min(length, (table.size[inode] as number) - offset);
    const data = table.data[inode] as number;
    out.layer = table.layer[inode] as number;
    out.length = wanted;
    if (!this.#isSparse(inode)) {
      out.blobOffset = data + offset;
      return;
    }
    const { extents } = table;
    const n = findExtent(extents, data, offset);
    out.blobOffset = -1;
    if (n === extentCount(extents, data)) return;
    const start = extentStart(extents, data, n);
    if (start > offset) {
      out.length = Math.min(wanted, start - offset);
    } else {
      out.blobOffset = extentBlobOffset(extents, data, n) + offset - start;
      out.length = Math.min(wanted, extentEnd(extents, data, n) - offset);
    }
  }

  /** The first offset at or after `offset` that has data, or -1. `offset` must be below the size. */
  nextData(inode: number, offset: number): number {
    if (!this.#isSparse(inode)) return offset;
    const { extents } = this.#table;
    const list = this.#table.data[inode] as number;
    const n = findExtent(extents, list, offset);
    return n === extentCount(extents, list) ? -1 : Math.max(offset, extentStart(extents, list, n));
  }

  /** The first offset at or after `offset` that lies in a hole. The end of a file counts as a hole. */
  nextHole(inode: number, offset: number): number {
    const size = this.#table.size[inode] as number;
    if (!this.#isSparse(inode)) return size;
    const { extents } = this.#table;
    const list = this.#table.data[inode] as number;
    const count = extentCount(extents, list);
    let end = offset;
    for (let n = findExtent(extents, list, offset); n < count && extentStart(extents, list, n) <= end; n++) {
      end = extentEnd(extents, list, n);
    }
    return Math.min(end, size);
  }

  /**
   * True for a regular file in one piece if the bytes after its last one, up to a multiple of 512 of the layer's
   * uncompressed blob, are known to be zeros.
   */
  hasCleanTail(inode: number): boolean {
    return ((this.#table.flags[inode] as number) & TableFlag.cleanTail) !== 0;
  }

  /** True for an inode that is listed but can't be looked up: EPERM. It is never pristine. */
  isForbidden(inode: number): boolean {
    return ((this.#table.flags[inode] as number) & TableFlag.forbidden) !== 0;
  }

  /** PROTECTION_FLAGS of a file or directory. */
  protectionOf(inode: number): number {
    const flags = this.#table.flags[inode] as number;
    const append = (flags & TableFlag.appendOnly) === 0 ? 0 : FS_APPEND_FL;
    return (flags & TableFlag.immutable) === 0 ? append : append | FS_IMMUTABLE_FL;
  }

  #isSparse(inode: number): boolean {
    return ((this.#table.flags[inode] as number) & TableFlag.sparse) !== 0;
  }

  #allocated(inode: number): number {
    return allocatedBytes(this.#table.extents, this.#table.data[inode] as number);
  }
}
