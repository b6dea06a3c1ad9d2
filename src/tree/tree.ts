// Tree: all layers merged, the flat, immutable table of lower inodes and dentries.
//
// (Contract; the implementation replaces this text.) Inode numbers here are table indexes, root 0. Nothing outside
// tree/ knows the table's layout.
import type { Attr } from '../vfs/attr.ts';

export interface Extent {
  /** Layer number, base 0. */
  layer: number;
  /** Offset in the layer's uncompressed blob; -1 for a hole. */
  blobOffset: number;
  /** Bytes. */
  length: number;
}

export interface Tree {
  readonly inodeCount: number;
  readonly dentryCount: number;
  readonly hasPosixAcl: boolean;
  /** Sum of the sizes of regular files, in bytes, each inode once. */
  readonly totalSize: number;
  /** The inode of `name` in directory `inode`, or -1. */
  lookup(inode: number, name: Uint8Array): number;
  readAttr(inode: number, out: Attr): void;
  isDirectory(inode: number): boolean;
  /** The directory that holds directory `inode` (the root's is the root). */
  parentOf(inode: number): number;
  /** Children are dentries first to first + count - 1, sorted bytewise by name. */
  firstChild(inode: number): number;
  childCount(inode: number): number;
  dentryInode(dentry: number): number;
  readonly namePool: Uint8Array;
  nameStart(dentry: number): number;
  nameEnd(dentry: number): number;
  readlink(inode: number): Uint8Array;
  /** The value of an xattr, undefined where there is none. */
  getxattr(inode: number, name: Uint8Array): Uint8Array | undefined;
  /** Names, each ended by NUL. */
  listxattr(inode: number): Uint8Array;
  /** Where the bytes of regular file `inode` at `offset` lie, at most `length` of them, up to the next change. */
  mapExtent(inode: number, offset: number, length: number, out: Extent): void;
}
