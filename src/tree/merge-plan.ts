// MergePlan: the content of the merged tree before its table is made: the source of each inode and dentry. Its counts
// size the table. It is dropped when the table is filled.
import { InputError } from '../vfs/input-error.ts';
import type { FileSource } from './redirects.ts';

/** Limit of the inodes, and of the names, of a tree: a table of about 3 GB. */
export const MAX_TREE_ENTRIES = 1 << 25;

/** Stored by columns, with room for `capacity` inodes and dentries. Pages that are not touched cost nothing. */
export class MergePlan {
  inodeCount = 0;
  dentryCount = 0;
  readonly capacity: number;
  readonly #isCut: boolean;

  /** The source of an inode's attributes: a layer and an inode in that layer. */
  readonly inodeLayer: Uint16Array;
  readonly inodeSource: Uint32Array;
  readonly nlink: Uint32Array;
  /** Of directories. */
  readonly parent: Uint32Array;
  readonly firstChild: Uint32Array;
  readonly childCount: Uint32Array;

  /** The source of a name: a layer and a dentry in that layer; then the merged inode that it leads to. */
  readonly dentryLayer: Uint16Array;
  readonly dentrySource: Uint32Array;
  readonly dentryInode: Uint32Array;

  /** By merged inode: the layer and inode that have the bytes, if they differ from those that have the attributes. */
  readonly dataSource = new Map<number, FileSource>();

  /** Merged inodes that need a mark which may not be followed, with a path of each: they can't be looked up (EPERM). */
  readonly forbidden = new Map<number, string>();

  /** `sum` is an upper bound for layers that are trees; more than `maxEntries` are refused. */
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
      : // Only a damaged index exceeds the sum.
        new Error('a layer index has a directory under two names');
  }
}
