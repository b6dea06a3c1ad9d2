// The sizes of differences. A directory that was removed, or replaced by a file, counts with all its content.
import type { Tree } from '../tree/tree.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { showPath } from '../vfs/show-text.ts';
import { type Difference, pathsBeneath } from './compare-trees.ts';
import type { ReportDifference } from './report-format.ts';

/** Numbers of names, and bytes by which the second image is larger. */
export interface DifferenceTotal {
  added: number;
  changed: number;
  deleted: number;
  grown: number;
}

/** Bytes; undefined for a missing path, and for a directory that still exists. */
export interface DifferenceSizes {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

export class DiffSizes {
  readonly #before: Tree;
  readonly #after: Tree;
  /** Found sizes, so that a removed directory is added up once. */
  readonly #sizes = new Map<Difference, DifferenceSizes>();

  constructor(before: Tree, after: Tree) {
    this.#before = before;
    this.#after = after;
  }

  of(difference: Difference): DifferenceSizes {
    const earlier = this.#sizes.get(difference);
    if (earlier !== undefined) return earlier;
    const { path, before, after } = difference;
    const isGone = after === undefined || !this.#after.isDirectory(after);
    const sizes = {
      before: before === undefined ? undefined : this.#sizeOf(this.#before, path, before, isGone),
      after: after === undefined ? undefined : this.#sizeOf(this.#after, path, after, false),
    };
    this.#sizes.set(difference, sizes);
    return sizes;
  }

  /** A difference, for JSON. */
  describe(difference: Difference): ReportDifference {
    const { before, after } = this.of(difference);
    return {
      kind: difference.kind,
      path: showPath(difference.path),
      attributes: difference.attributes,
      sizeBefore: before,
      sizeAfter: after,
    };
  }

  /** The number of names of each kind, without parents of changes; and the bytes by which B is larger. */
  total(differences: readonly Difference[]): DifferenceTotal {
    const total = { added: 0, changed: 0, deleted: 0, grown: 0 };
    for (const difference of differences) {
      const { before = 0, after = 0 } = this.of(difference);
      total.grown += after - before;
      if (difference.kind === 'A') total.added++;
      else if (difference.kind === 'D') total.deleted++;
      else if (difference.attributes.length > 0) total.changed++;
    }
    return total;
  }

  #sizeOf(tree: Tree, path: string, inode: number, isWhole: boolean): number | undefined {
    if (tree.isDirectory(inode)) {
      if (!isWhole) return undefined;
      let sum = 0;
      for (const beneath of pathsBeneath(tree, path, inode)) sum += fileSize(tree, beneath.inode);
      return sum;
    }
    return fileSize(tree, inode);
  }
}

function fileSize(tree: Tree, inode: number): number {
  return (tree.modeOf(inode) & S_IFMT) === S_IFREG ? tree.sizeOf(inode) : 0;
}
