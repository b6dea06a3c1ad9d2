// Lists the merged tree with what the layers did to each name: which layer added, changed or deleted it.
//
// A directory precedes its content, names are in bytewise order. The size of a directory is the sum of what is listed in it:
// regular files, each inode once, at its first name. So all names are found twice: first to add up the directories, of which three
// numbers are kept, and again each time the listing is read, a name at a time.
import type { Tree } from '../tree/tree.ts';
import type { InspectedImage } from './inspected-image.ts';
import {
  type FoundName,
  type ListedName,
  type ListingOptions,
  type ListingStart,
  NameFinder,
} from './listed-names.ts';

/** Figures of the names that are listed. `size` has those that are too deep, too. */
export interface ListingTotals {
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  /** Bytes of the start, the largest size of a name that was not deleted. */
  readonly size: number;
  /** The largest size of a deleted name. */
  readonly largestDeletion: number;
  /** The topmost layer (base 0) that changed one of the names; -1 without a change. */
  readonly topLayer: number;
}

/** The directories of a listing, in its order. */
interface DirectoryRecords {
  /** Bytes of what is listed in it. */
  readonly sizes: number[];
  /** The position among its names of the last one that is listed; -1 if none is. */
  readonly lasts: number[];
  /** The record after those of all directories in it. */
  readonly ends: number[];
}

/** A directory whose names are read. */
interface Frame {
  readonly record: number;
  readonly names: Generator<FoundName, void>;
  /** Names that were read. */
  count: number;
}

/** Finds all names. Adds up the figures, and what each directory contains. */
function addUp(
  finder: NameFinder,
  from: ListingStart,
  maxDepth: number,
): { readonly totals: ListingTotals; readonly directories: DirectoryRecords } {
  const directories: DirectoryRecords = { sizes: [], lasts: [], ends: [] };
  const { sizes, lasts, ends } = directories;
  const counts = { added: 0, changed: 0, deleted: 0 };
  let [largestDeletion, topLayer] = [0, -1];
  const see = ({ kind, layer, size, depth, isSelected }: FoundName): void => {
    if (!isSelected || depth > maxDepth) return;
    counts[kind]++;
    topLayer = Math.max(topLayer, layer);
    if (kind === 'deleted') largestDeletion = Math.max(largestDeletion, size);
  };
  const enter = (directory: FoundName): Frame => {
    sizes.push(finder.foldedSize(directory));
    lasts.push(-1);
    ends.push(0);
    return { record: sizes.length - 1, names: finder.namesIn(directory), count: 0 };
  };
  const start = finder.start(from);
  see(start);
  const frames = [enter(start)];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const { record } = frame;
    const read = frame.names.next();
    if (read.done === true) {
      frames.pop();
      ends[record] = sizes.length;
      const parent = frames.at(-1);
      if (parent === undefined) continue;
      sizes[parent.record] = (sizes[parent.record] as number) + (sizes[record] as number);
      if ((lasts[record] as number) >= 0) lasts[parent.record] = parent.count - 1;
      continue;
    }
    const found = read.value;
    see(found);
    if (found.isSelected) lasts[record] = frame.count;
    if (found.kind !== 'deleted') sizes[record] = (sizes[record] as number) + found.size;
    frame.count++;
    if (found.origin !== undefined) frames.push(enter(found));
  }
  const totals = { ...counts, size: start.size + (sizes[0] as number), largestDeletion, topLayer };
  return { totals, directories };
}

/** The names at and beneath a start; they can be read many times. */
export class TreeListing implements Iterable<ListedName> {
  readonly totals: ListingTotals;
  readonly #finder: NameFinder;
  readonly #start: ListingStart;
  readonly #maxDepth: number;
  readonly #directories: DirectoryRecords;

  constructor(
    finder: NameFinder,
    start: ListingStart,
    maxDepth: number,
    { totals, directories }: ReturnType<typeof addUp>,
  ) {
    this.totals = totals;
    this.#finder = finder;
    this.#start = start;
    this.#maxDepth = maxDepth;
    this.#directories = directories;
  }

  *[Symbol.iterator](): Generator<ListedName, void> {
    const { sizes, lasts, ends } = this.#directories;
    const enter = (record: number, directory: FoundName): Frame => ({
      ...{ record, names: this.#finder.namesIn(directory), count: 0 },
    });
    const start = this.#finder.start(this.#start);
    start.size += sizes[0] as number;
    start.isLast = true;
    yield start;
    const frames = this.#maxDepth > 0 ? [enter(0, start)] : [];
    let next = 1;
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const last = lasts[frame.record] as number;
      const read = frame.count > last ? undefined : frame.names.next();
      if (read?.done !== false) {
        frames.pop();
        next = ends[frame.record] as number;
        continue;
      }
      const found = read.value;
      found.isLast = frame.count++ === last;
      if (found.origin === undefined) {
        if (found.isSelected) yield found;
        continue;
      }
      const record = next;
      const hasListed = (lasts[record] as number) >= 0;
      found.size += sizes[record] as number;
      if (found.isSelected || hasListed) yield found;
      if (hasListed && found.depth < this.#maxDepth) {
        frames.push(enter(record, found));
        next = record + 1;
      } else next = ends[record] as number;
    }
  }
}

/** The names at and beneath `start`. Throws InputError like `stackOf`. */
export function listTree(
  inspected: InspectedImage,
  tree: Tree,
  start: ListingStart,
  options: ListingOptions,
): TreeListing {
  const finder = new NameFinder(inspected, tree, options);
  const { maxDepth } = options;
  return new TreeListing(finder, start, maxDepth, addUp(finder, start, maxDepth));
}
