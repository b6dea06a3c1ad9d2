// MergePlan: what the merged tree consists of, before its table is made: for each inode and dentry, where it comes
// from. It knows the exact counts that the table is allocated by, and is dropped when that is filled.
import { InputError } from '../vfs/input-error.ts';
import type { FileSource } from './redirects.ts';

/** Inodes, and names, that a tree may have: about 3 GB of it. */
export const MAX_TREE_ENTRIES = 1 << 25;

/** Column by column; room for `capacity` inodes and dentries, untouched pages of which cost nothing. */
export class MergePlan {
  inodeCount = 0;
  dentryCount = 0;
  readonly capacity: number;
  readonly #isCut: boolean;

  /** Layer and inode in that layer that an inode's attributes come from. */
  readonly inodeLayer: Uint16Array;
  readonly inodeSource: Uint32Array;
  readonly nlink: Uint32Array;
  /** Of directories. */
  readonly parent: Uint32Array;
  readonly firstChild: Uint32Array;
  readonly childCount: Uint32Array;

  /** Layer and dentry in that layer that a name comes from, and the merged inode it leads to. */
  readonly dentryLayer: Uint16Array;
  readonly dentrySource: Uint32Array;
  readonly dentryInode: Uint32Array;

  /** By merged inode: the layer and inode in that layer that have the bytes, where others have the attributes. */
  readonly dataSource = new Map<number, FileSource>();

  /** Merged inodes that need a mark which may not be followed, and a path of each: they can't be looked up (EPERM). */
  readonly forbidden = new Map<number, string>();

  /** `sum` is the most that layers which are trees can come to; more than `maxEntries` are refused. */
  constructor(sum: number, maxEntries: number) {
    const capacity = Math.min(sum, maxEntries);
    this.capacity = capacity;
    this.#isCut = sum > maxEntries;
    this.inodeLayer = new Uint16Array(capacity);
    this.inodeSource = new Uint32Array(capacity);
    this.nlink = new Uint32Array(capacity);
    this.parent = new Uint32Array(capacity);
    this.firstChild = new Uint32Array(capacity);
    this.childCount = new Uint32Array(capacity);
    this.dentryLayer = new Uint16Array(capacity);
    this.dentrySource = new Uint32Array(capacity);
    this.dentryInode = new Uint32Array(capacity);
  }

  addInode(layer: number, source: number, nlink: number): number {
    const inode = this.inodeCount++;
    if (inode >= this.capacity) throw this.#overflow();
    this.inodeLayer[inode] = layer;
    this.inodeSource[inode] = source;
    this.nlink[inode] = nlink;
    return inode;
  }

  addDentry(layer: number, source: number, inode: number): void {
    const dentry = this.dentryCount++;
    if (dentry >= this.capacity) throw this.#overflow();
    this.dentryLayer[dentry] = layer;
    this.dentrySource[dentry] = source;
    this.dentryInode[dentry] = inode;
  }

  #overflow(): Error {
    return this.#isCut
      ? new InputError(
          `the layers hold more than ${this.capacity} files together, expected at most that many`,
        )
      : // Nothing else exceeds the sum: a damaged index.
        new Error('a layer index has a directory under two names');
  }
}
