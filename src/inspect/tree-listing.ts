// Lists the merged tree with what the layers did to each name: which layer added, changed or deleted it.
//
// A directory precedes its content, names are in bytewise order. The size of a directory is the sum of what is listed in it:
// regular files, each inode once, at its first name.
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
}

/** A name while sizes are added up. */
interface Draft extends Omit<ListedName, 'size'> {
  size: number;
}

/**
 * The origin of the names in a directory: its parts in the layers; or the only layer that has the directory, which added
 * everything in it.
 */
type Origin = DirectoryNode | number;

interface FoundName {
  readonly draft: Draft;
  /** undefined if it is not a directory, or was deleted. */
  readonly origin: Origin | undefined;
}

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

/** The names at and beneath `start`. Throws InputError like `stackOf`. */
export function listTree(
  inspected: InspectedImage,
  tree: Tree,
  start: ListingStart,
  options: ListingOptions,
): ListedName[] {
  return new TreeLister(inspected, tree, options).list(start);
}

class TreeLister {
  readonly #tree: Tree;
  readonly #stack: LayerStack;
  readonly #indexes: readonly LayerIndex[];
  readonly #changes: ListedChanges;
  readonly #maxDepth: number;
  /** The first selected name of each inode with several names. */
  readonly #firstPaths = new Map<number, string>();

  constructor(inspected: InspectedImage, tree: Tree, { changes, maxDepth }: ListingOptions) {
    this.#tree = tree;
    this.#stack = stackOf(inspected);
    this.#indexes = inspected.layers.map(({ layer }) => layer.index);
    this.#changes = changes;
    this.#maxDepth = maxDepth;
  }

  list({ path, inode }: ListingStart): ListedName[] {
    const first = this.#describeShown(path, 0, inode, this.#traceOf(path));
    const found = [first.draft];
    /** By position in the list: the position of its directory; -1 for the start. */
    const parents = [-1];
    const frames = [{ position: 0, names: this.#namesIn(first) }];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const next = frame.names.next();
      if (next.done === true) {
        frames.pop();
        continue;
      }
      found.push(next.value.draft);
      parents.push(frame.position);
      if (next.value.origin === undefined) continue;
      frames.push({ position: found.length - 1, names: this.#namesIn(next.value) });
    }
    return this.#finish(found, parents);
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

  /** The names in a directory, sorted. Adds to its size instead where none of them is listed. */
  *#namesIn({ draft, origin }: FoundName): Generator<FoundName> {
    const { inode: directory, path, depth } = draft;
    if (origin === undefined || directory === undefined) return;
    const isUniform = typeof origin === 'number';
    if (isUniform && !this.#selects(origin)) return;
    if (depth >= this.#maxDepth && (isUniform || this.#changes === 'none')) {
      draft.size += this.#sizeBeneath(directory, path);
      return;
    }
    const tree = this.#tree;
    if (isUniform) {
      const first = tree.firstChild(directory);
      for (let dentry = first; dentry < first + tree.childCount(directory); dentry++) {
        const inode = tree.dentryInode(dentry);
        const child = joinPath(path, tree.nameOf(dentry));
        const added = this.#draft(child, depth + 1, inode, 'added', origin);
        yield { draft: added, origin: tree.isDirectory(inode) ? origin : undefined };
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
        if (deleted !== undefined) yield { draft: deleted, origin: undefined };
      }
    }
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
    return {
      draft: this.#draft(path, depth, inode, kind, layer),
      origin: node === undefined || !this.#tree.isDirectory(inode) ? undefined : this.#originOf(node),
    };
  }

  #originOf(node: DirectoryNode): Origin {
    const [only, ...others] = node.parts;
    if (only === undefined || others.length > 0 || node.cuts.length > 0) return node;
    return this.#indexes[only.layer]?.redirects === undefined ? only.layer : node;
  }

  #draft(path: string, depth: number, inode: number, kind: ListedName['kind'], layer: number): Draft {
    const isSelected = this.#selects(layer);
    const linkTo = isSelected ? this.#linkTo(inode, path) : undefined;
    const size = isSelected && linkTo === undefined ? this.#fileSize(inode) : 0;
    const mode = this.#tree.modeOf(inode);
    return { path, depth, kind, layer, inode, mode, size, linkTo, isSelected };
  }

  /** The first path of the same inode; undefined if `path` is the first. */
  #linkTo(inode: number, path: string): string | undefined {
    if (this.#tree.isDirectory(inode) || this.#tree.linkCountOf(inode) === 1) return undefined;
    const first = this.#firstPaths.get(inode);
    if (first === undefined) this.#firstPaths.set(inode, path);
    return first;
  }

  /** Bytes of a regular file; 0 for anything else. */
  #fileSize(inode: number): number {
    return (this.#tree.modeOf(inode) & S_IFMT) === S_IFREG ? this.#tree.sizeOf(inode) : 0;
  }

  /** undefined if the tree never showed it, or the change is not listed. */
  #describeDeleted(path: string, depth: number, trace: NameTrace): Draft | undefined {
    const change = this.#lastChange(trace);
    const before = change?.before;
    if (change === undefined || before === undefined || !this.#selects(change.layer)) return undefined;
    const mode = this.#indexes[before.layer]?.mode[before.inode] as number;
    return {
      ...{ path, depth, kind: 'deleted', layer: change.layer, inode: undefined, mode },
      ...{ size: this.#deletedSize(trace, change.layer), linkTo: undefined, isSelected: true },
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

  /** Adds up sizes, and drops what is too deep, and directories without a change in them. */
  #finish(found: readonly Draft[], parents: readonly number[]): ListedName[] {
    const isListed = new Uint8Array(found.length);
    for (let n = found.length - 1; n >= 0; n--) {
      const { isSelected, kind, size } = found[n] as Draft;
      const parent = parents[n] as number;
      if (isSelected || parent < 0) isListed[n] = 1;
      if (isListed[n] !== 1 || parent < 0) continue;
      isListed[parent] = 1;
      if (kind !== 'deleted') (found[parent] as Draft).size += size;
    }
    return found.filter(({ depth }, n) => isListed[n] === 1 && depth <= this.#maxDepth);
  }
}

const joinPath = (directory: string, name: string): string =>
  directory === '' ? name : `${directory}/${name}`;
