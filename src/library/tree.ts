// The merged tree of an image, with what its layers did to each name.
import {
  type InspectedImage,
  type ListedChanges,
  type ListedName,
  type ListingTotals,
  type MergedImage,
  type ResolvedPath,
  type Tree,
  type TreeListing as InspectedTree,
  listTree,
  resolvePath,
} from '../inspect/inspect.ts';
import { S_IFLNK, S_IFMT } from '../vfs/attr.ts';
import { bytesOf } from '../vfs/names.ts';
import { type PathName, pathNameOf } from './path-name.ts';
import { Stats } from './stats.ts';

/** One name of a tree. */
export class TreeEntry implements PathName {
  readonly #listed: ListedName;
  readonly #tree: Tree;

  /** @internal */
  constructor(listed: ListedName, tree: Tree) {
    this.#listed = listed;
    this.#tree = tree;
  }

  /** The number of directories between it and the directory in which the tree begins; 0 for that directory. */
  get depth(): number {
    return this.#listed.depth;
  }

  /** The last change to it. */
  get kind(): ListedName['kind'] {
    return this.#listed.kind;
  }

  /** The layer, from 1 at the base, that made that change. */
  get layer(): number {
    return this.#listed.layer + 1;
  }

  /** As st_mode; of a deleted file before that. */
  get mode(): number {
    return this.#listed.mode;
  }

  /**
   * Bytes. Of a directory: the sum of what is listed in it. 0 for a name after the first of its inode. Of a deleted file or
   * directory: what it had, which is in no sum.
   */
  get size(): number {
    return this.#listed.size;
  }

  /** False for a directory that is listed only because it leads to a change. */
  get isSelected(): boolean {
    return this.#listed.isSelected;
  }

  /** True for the last name that is listed in its directory. */
  get isLast(): boolean {
    return this.#listed.isLast;
  }

  get path(): string {
    return pathNameOf(this.#listed.path).path;
  }

  get pathBytes(): Buffer {
    return bytesOf(`/${this.#listed.path}`);
  }

  /** Attributes; undefined if it was deleted. */
  get stats(): Stats | undefined {
    const { inode } = this.#listed;
    return inode === undefined ? undefined : new Stats(this.#tree, inode);
  }

  /** The target of a symlink, bytes; undefined for anything else, and if it was deleted. */
  get target(): Buffer | undefined {
    const { inode, mode } = this.#listed;
    if (inode === undefined || (mode & S_IFMT) !== S_IFLNK) return undefined;
    return Buffer.from(this.#tree.readlink(inode));
  }

  /**
   * Of a symlink: the mode, as st_mode, of the file in the image that it leads to, or 'missing'. undefined for anything else, and
   * if it was deleted. It is found anew each time it is read.
   */
  get targetMode(): number | 'missing' | undefined {
    if (this.target === undefined) return undefined;
    const found = resolvePath(this.#tree, this.#listed.path);
    return found < 0 ? 'missing' : this.#tree.modeOf(found);
  }

  /** The first name that is listed of the same inode; undefined if this is the first. */
  get linkTo(): PathName | undefined {
    const { linkTo } = this.#listed;
    return linkTo === undefined ? undefined : pathNameOf(linkTo);
  }
}

/** Which names a tree has. */
export interface TreeOptions {
  /** By default 'none': all that the image shows. */
  readonly changes?: ListedChanges | undefined;
  /** Names more directories below are not listed, but are in the sums. */
  readonly depth?: number | undefined;
}

/** Numbers of names by their last change, without directories that only lead to changes, and sizes in bytes. */
export interface TreeTotals extends Omit<ListingTotals, 'topLayer'> {
  /** The topmost layer, from 1 at the base, that made one of these changes; 0 without a change. */
  readonly topLayer: number;
}

/**
 * The names of a tree. They are made when they are read, so that a large tree is never in memory as a whole, and can be read
 * again. The image may be closed meanwhile.
 */
export class TreeListing implements Iterable<TreeEntry> {
  readonly #listing: InspectedTree;
  readonly #tree: Tree;

  /** @internal */
  constructor(listing: InspectedTree, tree: Tree) {
    this.#listing = listing;
    this.#tree = tree;
  }

  /** Figures of the names that are listed, known before the first is read. Deeper ones are in the size alone. */
  get totals(): TreeTotals {
    const { totals } = this.#listing;
    return { ...totals, topLayer: totals.topLayer + 1 };
  }

  /** The entries, each directory before what is in it. */
  *[Symbol.iterator](): Generator<TreeEntry, void> {
    for (const listed of this.#listing) yield new TreeEntry(listed, this.#tree);
  }
}

/** As `Image.tree`. */
export function treeOf(
  inspected: InspectedImage,
  { tree }: MergedImage,
  start: ResolvedPath,
  { changes = 'none', depth: maxDepth = Infinity }: TreeOptions,
): TreeListing {
  return new TreeListing(listTree(inspected, tree, start, { changes, maxDepth }), tree);
}
