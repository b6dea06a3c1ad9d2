// LostNames: how many names of a hard-linked lower inode are gone, hidden by this mount or by an earlier one on the same upper.
//
// To find those that an earlier mount hid, the directories of all names must be loaded. That is done when the link count is
// first needed, and never if the upper was empty when it was mounted.
import type { Tree } from '../../tree/tree.ts';
import type { Inodes } from './inodes.ts';

export class LostNames {
  readonly #tree: Tree;
  readonly #inodes: Inodes;
  readonly #countVisible: (lower: number) => number;
  readonly #counted = new Set<number>();

  /** @param countVisible returns how many names of an inode show, or a negative errno */
  constructor(tree: Tree, inodes: Inodes, countVisible: (lower: number) => number) {
    this.#tree = tree;
    this.#inodes = inodes;
    this.#countVisible = countVisible;
  }

  /** Counts once, and gives the inode an object with the number if it lost names. */
  count(lower: number): void {
    if (this.#tree.isDirectory(lower) || this.#tree.linkCountOf(lower) < 2 || this.#counted.has(lower))
      return;
    const visible = this.#countVisible(lower);
    if (visible < 0) return;
    this.#counted.add(lower);
    const lost = this.#tree.linkCountOf(lower) - visible;
    if (lost > 0) this.#inodes.getLower(lower).lostNames = lost;
  }
}
