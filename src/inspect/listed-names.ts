// The names that a listing of the merged tree has, a directory at a time, with the last change to each.
//
// Names are in bytewise order. What a directory adds up to is left to tree-listing.ts.
import type { LayerIndex } from '../layer/layer-index.ts';
import type { Tree } from '../tree/tree.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { InspectedImage } from './inspected-image.ts';
import { changesDirectory } from './layer-changes.ts';
import type { Change, DirectoryNode, NameTrace } from './name-trace.ts';
import { stackOf } from './open-stack.ts';
import type { LayerStack } from './stack-walk.ts';

/** Which names are listed. */
export type ListedChanges =
  /** All that the tree shows. */
  | 'none'
  /** Those that layers above the base added, changed or deleted, and the directories that lead to them. */
  | 'above-base'
  /** Those that the topmost layer added, changed or deleted, and the directories that lead to them. */
  | 'of-top';

export interface ListedName {
  /** Bytes as latin1, from the root, without a leading slash; '' is the root. */
  readonly path: string;
  /** The number of directories between it and the directory in which the listing began; 0 for that directory. */
  readonly depth: number;
  /** The last change, and the layer (base 0) that made it. A directory whose mtime alone changed is unchanged. */
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly layer: number;
  /** In the tree; undefined if it was deleted. */
  readonly inode: number | undefined;
  /** As st_mode; of a deleted one before that. */
  readonly mode: number;
  /** Bytes. 0 for a name after the first of its inode. Of a deleted one: what it had, which is in no sum. */
  readonly size: number;
  /** The path of the first name that is listed of the same inode; undefined if this is the first. */
  readonly linkTo: string | undefined;
  /** False for a directory that is listed only because it leads to a change. */
  readonly isSelected: boolean;
  /** True for the last name that is listed in its directory, and for the start. */
  readonly isLast: boolean;
}

/** A name before the listing knows what its directory adds up to, and which name comes last. */
export interface FoundName extends Omit<ListedName, 'size' | 'isLast'> {
  size: number;
  isLast: boolean;
  /** undefined if it is not a directory, or was deleted. */
  readonly origin: Origin | undefined;
}

/**
 * The origin of the names in a directory: its parts in the layers; or the only layer that has the directory, which added
 * everything in it.
 */
type Origin = DirectoryNode | number;

/** The start of a listing: a path without symlinks (bytes as latin1, no leading slash), and its inode. */
export interface ListingStart {
  readonly path: string;
  readonly inode: number;
}

export interface ListingOptions {
  readonly changes: ListedChanges;
  /** Names with a greater depth are in the sums only. Infinity for no limit. */
  readonly maxDepth: number;
}

/** Finds the names in directories of a merged tree. */
export class NameFinder {
  readonly #tree: Tree;
  readonly #stack: LayerStack;
  readonly #indexes: readonly LayerIndex[];
  readonly #changes: ListedChanges;
  readonly #maxDepth: number;
  /** The first selected name of each inode with several names. */
  readonly #firstPaths = new Map<number, string>();

  /** Throws InputError like `stackOf`. */
  constructor(inspected: InspectedImage, tree: Tree, { changes, maxDepth }: ListingOptions) {
    this.#tree = tree;
    this.#stack = stackOf(inspected);
    this.#indexes = inspected.layers.map(({ layer }) => layer.index);
    this.#changes = changes;
    this.#maxDepth = maxDepth;
  }

  start({ path, inode }: ListingStart): FoundName {
    return this.#describeShown(path, 0, inode, this.#traceOf(path));
  }

  #traceOf(path: string): NameTrace {
    let trace: NameTrace = this.#stack.root;
    for (const name of path === '' ? [] : path.split('/')) {
      const next = trace.node === undefined ? undefined : this.#stack.trace(trace.node, name);
      if (next === undefined) throw new Error(`no layer has ${path}`);
      trace = next;
    }
    return trace;
  }

  /**
   * The names in a directory, sorted. Those of a directory whose content is added up by `folded` are left out. Directories must be
   * visited in the order of a listing, because the first name of an inode has its size.
   */
  *namesIn({ inode: directory, path, depth, origin }: FoundName): Generator<FoundName, void> {
    if (origin === undefined || directory === undefined || this.#isFolded(depth, origin)) return;
    const tree = this.#tree;
    if (typeof origin === 'number') {
      if (!this.#selects(origin)) return;
      const first = tree.firstChild(directory);
      for (let dentry = first; dentry < first + tree.childCount(directory); dentry++) {
        const inode = tree.dentryInode(dentry);
        const ofChild = tree.isDirectory(inode) ? origin : undefined;
        yield this.#describe(joinPath(path, tree.nameOf(dentry)), depth + 1, inode, 'added', origin, ofChild);
      }
      return;
    }
    const traces = this.#stack.traceNames(origin).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const trace of traces) {
      const child = joinPath(path, trace.name);
      const inode = tree.lookup(directory, Buffer.from(trace.name, 'latin1'));
      if (inode >= 0) yield this.#describeShown(child, depth + 1, inode, trace);
      else if (this.#changes !== 'none') {
        const deleted = this.#describeDeleted(child, depth + 1, trace);
        if (deleted !== undefined) yield deleted;
      }
    }
  }

  /** Bytes of what a directory contains and `namesIn` leaves out. */
  foldedSize({ inode, path, depth, origin }: FoundName): number {
    if (origin === undefined || inode === undefined || !this.#isFolded(depth, origin)) return 0;
    return this.#sizeBeneath(inode, path);
  }

  /** True for a directory at the greatest depth in which everything is selected. */
  #isFolded(depth: number, origin: Origin): boolean {
    if (depth < this.#maxDepth) return false;
    return this.#changes === 'none' || (typeof origin === 'number' && this.#selects(origin));
  }

  /** Bytes of all regular files in a directory of which none is listed, in the order of a listing. */
  #sizeBeneath(directory: number, directoryPath: string): number {
    const tree = this.#tree;
    let size = 0;
    const frameOf = (inode: number, path: string): { path: string; next: number; end: number } => {
      const next = tree.firstChild(inode);
      return { path, next, end: next + tree.childCount(inode) };
    };
    const frames = [frameOf(directory, directoryPath)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (frame.next === frame.end) {
        frames.pop();
        continue;
      }
      const dentry = frame.next++;
      const inode = tree.dentryInode(dentry);
      const isDirectory = tree.isDirectory(inode);
      if (!isDirectory && tree.linkCountOf(inode) === 1) {
        size += this.#fileSize(inode);
        continue;
      }
      const path = joinPath(frame.path, tree.nameOf(dentry));
      if (isDirectory) frames.push(frameOf(inode, path));
      else if (this.#linkTo(inode, path) === undefined) size += this.#fileSize(inode);
    }
    return size;
  }

  #describeShown(path: string, depth: number, inode: number, trace: NameTrace): FoundName {
    const change = this.#lastChange(trace);
    const kind = change === undefined ? 'added' : this.#kindOf(change);
    const layer = change?.layer ?? this.#tree.layerOf(inode);
    const { node } = trace;
    const origin = node === undefined || !this.#tree.isDirectory(inode) ? undefined : this.#originOf(node);
    return this.#describe(path, depth, inode, kind, layer, origin);
  }

  #originOf(node: DirectoryNode): Origin {
    const [only, ...others] = node.parts;
    if (only === undefined || others.length > 0 || node.cuts.length > 0) return node;
    return this.#indexes[only.layer]?.redirects === undefined ? only.layer : node;
  }

  #describe(
    path: string,
    depth: number,
    inode: number,
    kind: ListedName['kind'],
    layer: number,
    origin: Origin | undefined,
  ): FoundName {
    const isSelected = this.#selects(layer);
    const linkTo = isSelected ? this.#linkTo(inode, path) : undefined;
    const size = isSelected && linkTo === undefined ? this.#fileSize(inode) : 0;
    const mode = this.#tree.modeOf(inode);
    return { path, depth, kind, layer, inode, mode, size, linkTo, isSelected, isLast: false, origin };
  }

  /** The first path of the same inode; undefined if `path` is the first. */
  #linkTo(inode: number, path: string): string | undefined {
    if (this.#tree.isDirectory(inode) || this.#tree.linkCountOf(inode) === 1) return undefined;
    const first = this.#firstPaths.get(inode);
    if (first === undefined) this.#firstPaths.set(inode, path);
    return first === path ? undefined : first;
  }

  /** Bytes of a regular file; 0 for anything else. */
  #fileSize(inode: number): number {
    return (this.#tree.modeOf(inode) & S_IFMT) === S_IFREG ? this.#tree.sizeOf(inode) : 0;
  }

  /** undefined if the tree never showed it, or the change is not listed. */
  #describeDeleted(path: string, depth: number, trace: NameTrace): FoundName | undefined {
    const change = this.#lastChange(trace);
    const before = change?.before;
    if (change === undefined || before === undefined || !this.#selects(change.layer)) return undefined;
    const mode = this.#indexes[before.layer]?.mode[before.inode] as number;
    return {
      ...{ path, depth, kind: 'deleted', layer: change.layer, inode: undefined, mode },
      ...{ size: this.#deletedSize(trace, change.layer), linkTo: undefined, isSelected: true },
      ...{ isLast: false, origin: undefined },
    };
  }

  /** Bytes of the regular files that `layer` deleted at and beneath a name, each inode once. */
  #deletedSize(top: NameTrace, layer: number): number {
    const counted = new Set<string>();
    let size = 0;
    const waiting = [top];
    for (let trace = waiting.pop(); trace !== undefined; trace = waiting.pop()) {
      const change = trace.changes.at(-1);
      const before = change?.before;
      if (change?.layer !== layer || change.after !== undefined || before === undefined) continue;
      if (before.isDirectory && trace.node !== undefined) waiting.push(...this.#stack.traceNames(trace.node));
      const index = this.#indexes[before.layer] as LayerIndex;
      const key = `${before.layer} ${before.inode}`;
      if (((index.mode[before.inode] as number) & S_IFMT) !== S_IFREG || counted.has(key)) continue;
      counted.add(key);
      size += index.size[before.inode] as number;
    }
    return size;
  }

  /** Without the changes that leave a directory as it was. */
  #lastChange({ changes }: NameTrace): Change | undefined {
    return changes.findLast(
      ({ before, after }) =>
        before?.isDirectory !== true ||
        after?.isDirectory !== true ||
        changesDirectory(this.#indexes, before, after),
    );
  }

  #kindOf({ before, after }: Change): ListedName['kind'] {
    if (after === undefined) return 'deleted';
    // At its new path it is an addition.
    const isMoved = this.#indexes[after.layer]?.redirects?.has(after.inode) === true;
    return before === undefined || isMoved ? 'added' : 'changed';
  }

  #selects(layer: number): boolean {
    if (this.#changes === 'none') return true;
    return this.#changes === 'above-base' ? layer > 0 : layer === this.#indexes.length - 1;
  }
}

const joinPath = (directory: string, name: string): string =>
  directory === '' ? name : `${directory}/${name}`;
