// How many of a hard-linked lower inode's names are gone: hidden in this mount, or in an earlier one on the same upper.
//
// What an earlier mount hid is known once the directories of all the names are loaded; that is done when somebody first
// asks for the link count, and not at all where the upper was empty when it was mounted.
import type { Tree } from '../../tree/tree.ts';
import type { Inodes } from './inodes.ts';

export class LostNames {
  readonly #tree: Tree;
  readonly #inodes: Inodes;
  readonly #countVisible: (lower: number) => number;
  readonly #counted = new Set<number>();

  /** @param countVisible the names that show of a tree's inode, or a negative errno */
  constructor(tree: Tree, inodes: Inodes, countVisible: (lower: number) => number) {
    this.#tree = tree;
    this.#inodes = inodes;
    this.#countVisible = countVisible;
  }

  /** From now on the inode's object, where it needs one, tells. */
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
