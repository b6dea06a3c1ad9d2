// The merge itself: walks the directories of all layers together, breadth first, and fills a MergePlan.
//
// Directories are queued, without recursion, so their depth costs nothing. The children of a directory are merged from
// its parts with a heap of cursors: the smallest name first, and of equal names the topmost layer's first.
import type { LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR, S_IFMT } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { compareNames } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { pathOfDentry } from './layer-path.ts';
import { MergePlan } from './merge-plan.ts';
import { type LinkTargets, NameMerge, NameResult } from './name-merge.ts';
import { PartQueue } from './part-queue.ts';
import { type Parts, Redirects } from './redirects.ts';

/** Inodes are numbered in the order of the walk, so the same layers always give the same numbers. */
export function planMerge(
  indexes: readonly LayerIndex[],
  links: readonly LinkTargets[],
  maxEntries: number,
): MergePlan {
  return new MergeWalk(indexes, links, maxEntries).run();
}

class MergeWalk {
  readonly #indexes: readonly LayerIndex[];
  readonly #plan: MergePlan;
  readonly #name: NameMerge;
  readonly #queue = new PartQueue();
  readonly #redirects: Redirects;
  /** By layer: 1 + the merged inode of the layer's inode, 0 if it has none yet. Unites the names of hard links. */
  readonly #mergedInode: readonly Uint32Array[];
  /** The parts of the current directory, topmost first, with the next dentry and the end of each. */
  #partCount = 0;
  readonly #partLayer: Uint16Array;
  readonly #partInode: Uint32Array;
  readonly #next: Uint32Array;
  readonly #end: Uint32Array;
  /** The parts that have dentries left, as a binary heap. */
  readonly #heap: Uint16Array;
  #heapSize = 0;

  constructor(indexes: readonly LayerIndex[], links: readonly LinkTargets[], maxEntries: number) {
    this.#indexes = indexes;
    // With hostile redirects one directory can appear at several places.
    const times = indexes.some(({ redirects }) => redirects !== undefined) ? 2 : 1;
    const sum = times * indexes.reduce((total, index) => total + index.dentryCount - 1, 1);
    this.#plan = new MergePlan(sum, times === 1 ? maxEntries : Math.min(maxEntries, sum - 1));
    this.#redirects = new Redirects(indexes);
    this.#name = new NameMerge(indexes, links);
    this.#mergedInode = indexes.map((index) => new Uint32Array(index.inodeCount));
    this.#partLayer = new Uint16Array(indexes.length);
    this.#partInode = new Uint32Array(indexes.length);
    this.#next = new Uint32Array(indexes.length);
    this.#end = new Uint32Array(indexes.length);
    this.#heap = new Uint16Array(indexes.length);
  }

  run(): MergePlan {
    const plan = this.#plan;
    const name = this.#name;
    name.begin();
    for (let layer = this.#indexes.length - 1; layer >= 0; layer--) if (!name.offerDirectory(layer, 0)) break;
    // If every layer's root is a carrier, the base layer's root serves: it has the same defaults.
    plan.addInode(name.layer, name.inode, 2);
    this.#queue.push(name.partCount, name.partLayer, name.partInode);
    this.#walk(0);
    for (let inode = 1; inode < plan.inodeCount; inode++) {
      const index = this.#indexes[plan.inodeLayer[inode] as number] as LayerIndex;
      const mode = index.mode[plan.inodeSource[inode] as number] as number;
      if ((mode & S_IFMT) === S_IFDIR) this.#walk(inode);
    }
    return plan;
  }

  #walk(directory: number): void {
    const plan = this.#plan;
    const partCount = this.#queue.shift(this.#partLayer, this.#partInode);
    this.#partCount = partCount;
    plan.firstChild[directory] = plan.dentryCount;
    for (let part = 0; part < partCount; part++) {
      const inode = this.#partInode[part] as number;
      const index = this.#indexes[this.#partLayer[part] as number] as LayerIndex;
      const first = index.firstChild[inode] as number;
      this.#next[part] = first;
      this.#end[part] = first + (index.childCount[inode] as number);
    }
    if (partCount === 1) this.#walkOne(directory);
    else this.#walkMany(directory, partCount);
    plan.childCount[directory] = plan.dentryCount - plan.firstChild[directory];
  }

  #walkOne(directory: number): void {
    const layer = this.#partLayer[0] as number;
    const end = this.#end[0] as number;
    for (let dentry = this.#next[0] as number; dentry < end; dentry++) {
      this.#name.begin();
      this.#name.offer(layer, dentry);
      this.#settle(directory, layer, dentry);
    }
  }

  #walkMany(directory: number, partCount: number): void {
    const name = this.#name;
    this.#fillHeap(partCount);
    while (this.#heapSize > 0) {
      const top = this.#heap[0] as number;
      const layer = this.#partLayer[top] as number;
      const dentry = this.#next[top] as number;
      name.begin();
      let isOpen = name.offer(layer, dentry);
      this.#advanceTop();
      while (this.#heapSize > 0) {
        const part = this.#heap[0] as number;
        const otherLayer = this.#partLayer[part] as number;
        const otherDentry = this.#next[part] as number;
        if (this.#compare(layer, dentry, otherLayer, otherDentry) !== 0) break;
        if (isOpen) isOpen = name.offer(otherLayer, otherDentry);
        this.#advanceTop();
      }
      this.#settle(directory, layer, dentry);
    }
  }

  /** Adds the result for a name. `layer` and `dentry` are one place that holds the bytes of the name. */
  #settle(directory: number, layer: number, dentry: number): void {
    const name = this.#name;
    const plan = this.#plan;
    if (name.result === NameResult.none) return;
    if (name.result === NameResult.directory) {
      if (name.isRedirected) this.#redirects.addParts(name, this.#parts());
      const inode = plan.addInode(name.layer, name.inode, 2);
      if (name.isUnfollowed && this.#hidesLower(name)) this.#forbid(inode, layer, dentry);
      plan.addDentry(layer, dentry, inode);
      plan.parent[inode] = directory;
      plan.nlink[directory] = (plan.nlink[directory] as number) + 1;
      this.#queue.push(name.partCount, name.partLayer, name.partInode);
      return;
    }
    const merged = this.#mergedInode[name.layer] as Uint32Array;
    let inode = (merged[name.inode] as number) - 1;
    if (inode < 0) {
      inode = plan.addInode(name.layer, name.inode, 0);
      merged[name.inode] = inode + 1;
      if (this.#indexes[name.layer]?.metacopies?.has(name.inode) === true) {
        this.#findData(inode, layer, dentry);
      }
      if (this.#indexes[name.layer]?.unfollowed?.has(name.inode) === true) this.#forbid(inode, layer, dentry);
    }
    plan.addDentry(layer, dentry, inode);
    plan.nlink[inode] = (plan.nlink[inode] as number) + 1;
  }

  /**
   * False for a last part in the lowest layer that has the parent: there a redirect means nothing, as in the kernel.
   */
  #hidesLower(name: NameMerge): boolean {
    return name.partLayer[name.partCount - 1] !== this.#partLayer[this.#partCount - 1];
  }

  #forbid(inode: number, layer: number, dentry: number): void {
    this.#plan.forbidden.set(inode, showName(pathOfDentry(this.#indexes[layer] as LayerIndex, dentry)));
  }

  #parts(): Parts {
    return { count: this.#partCount, layer: this.#partLayer, inode: this.#partInode };
  }

  /** Finds the bytes of a metacopy. InputError if no layer has them. */
  #findData(inode: number, layer: number, dentry: number): void {
    const index = this.#indexes[layer] as LayerIndex;
    const start = index.nameOffset[dentry] as number;
    const name = index.pool.subarray(start, start + (index.nameLength[dentry] as number));
    const source = { layer: this.#name.layer, inode: this.#name.inode };
    const found = this.#redirects.findData(source, name, this.#parts());
    if (found === undefined) {
      const path = showName(pathOfDentry(index, dentry));
      throw new InputError(
        `${path}: its bytes are in a lower layer (overlay.metacopy), but no lower layer has the file`,
      );
    }
    this.#plan.dataSource.set(inode, found);
  }

  #fillHeap(partCount: number): void {
    this.#heapSize = 0;
    for (let part = 0; part < partCount; part++) {
      if ((this.#next[part] as number) < (this.#end[part] as number)) this.#heap[this.#heapSize++] = part;
    }
    for (let at = (this.#heapSize >>> 1) - 1; at >= 0; at--) this.#siftDown(at);
  }

  /** Advances the smallest cursor by one dentry. */
  #advanceTop(): void {
    const part = this.#heap[0] as number;
    const next = (this.#next[part] as number) + 1;
    this.#next[part] = next;
    if (next === this.#end[part]) this.#heap[0] = this.#heap[--this.#heapSize] as number;
    this.#siftDown(0);
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const size = this.#heapSize;
    const moved = heap[from] as number;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.#isBefore(heap[child] as number, moved)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = moved;
  }

  /** Parts are numbered from the topmost, so of equal names the lower number comes first. */
  #isBefore(a: number, b: number): boolean {
    const order = this.#compare(
      this.#partLayer[a] as number,
      this.#next[a] as number,
      this.#partLayer[b] as number,
      this.#next[b] as number,
    );
    return order < 0 || (order === 0 && a < b);
  }

  #compare(layerA: number, dentryA: number, layerB: number, dentryB: number): number {
    const a = this.#indexes[layerA] as LayerIndex;
    const b = this.#indexes[layerB] as LayerIndex;
    const startA = a.nameOffset[dentryA] as number;
    const startB = b.nameOffset[dentryB] as number;
    return compareNames(
      a.pool,
      startA,
      startA + (a.nameLength[dentryA] as number),
      b.pool,
      startB,
      startB + (b.nameLength[dentryB] as number),
    );
  }
}
