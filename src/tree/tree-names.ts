// TreeNames: finds the names of an inode. Built at the first use: a mount that only reads needs none.
import type { Tree } from './tree.ts';

export class TreeNames {
  readonly #tree: Tree;
  /** By inode: 1 + its first dentry; 0 for the root, which has none. */
  readonly #first: Uint32Array;
  /** By dentry: the directory that contains it. */
  readonly #directory: Uint32Array;
  /** The other dentries of inodes with several names. */
  readonly #further = new Map<number, number[]>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#first = new Uint32Array(tree.inodeCount);
    this.#directory = new Uint32Array(tree.dentryCount);
    for (let inode = 0; inode < tree.inodeCount; inode++) {
      if (tree.isDirectory(inode)) this.#readDirectory(inode);
    }
  }

  /** The dentries of an inode: one for a directory, none for the root. */
  dentriesOf(inode: number): readonly number[] {
    const first = this.#first[inode] as number;
    return first === 0 ? [] : [first - 1, ...(this.#further.get(inode) ?? [])];
  }

  /** The directory that contains a dentry. */
  directoryOf(dentry: number): number {
    return this.#directory[dentry] as number;
  }

  /** The path of an inode below the root, by its first name, as latin1: "/a/b", "/" for the root. */
  pathOf(inode: number): string {
    const names: string[] = [];
    for (let at = inode; at !== 0;) {
      const dentry = (this.#first[at] as number) - 1;
      names.push(this.#tree.nameOf(dentry));
      at = this.directoryOf(dentry);
    }
    return `/${names.reverse().join('/')}`;
  }

  #addFurther(inode: number, dentry: number): void {
    const dentries = this.#further.get(inode);
    if (dentries === undefined) this.#further.set(inode, [dentry]);
    else dentries.push(dentry);
  }

  #readDirectory(directory: number): void {
    const end = this.#tree.firstChild(directory) + this.#tree.childCount(directory);
    for (let dentry = this.#tree.firstChild(directory); dentry < end; dentry++) {
      this.#directory[dentry] = directory;
      const inode = this.#tree.dentryInode(dentry);
      if (this.#first[inode] === 0) this.#first[inode] = dentry + 1;
      else this.#addFurther(inode, dentry);
    }
  }
}
