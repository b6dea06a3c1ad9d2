// The merged tree of an image, with what its layers did to each name.
import {
  type InspectedImage,
  type ListedChanges,
  type ListedName,
  type MergedImage,
  type ResolvedPath,
  type Tree,
  listTree,
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

/** As `Image.tree`. */
export function treeOf(
  inspected: InspectedImage,
  { tree }: MergedImage,
  start: ResolvedPath,
  { changes = 'none', depth: maxDepth = Infinity }: TreeOptions,
): TreeEntry[] {
  return listTree(inspected, tree, start, { changes, maxDepth }).map((listed) => new TreeEntry(listed, tree));
}
