// Turns a LayerDraft into a LayerIndex: resolves hard links, drops what can't be reached, numbers the rest breadth
// first.
//
// Children become contiguous and sorted; names and inodes are stored in the order of a walk. A directory that hides all
// lower content (opaque, or beneath an opaque one) loses its whiteouts and carriers: they hide nothing, and would only
// add spurious entries.
import { S_IFLNK, S_IFMT } from '../vfs/attr.ts';
import { FormatError } from '../vfs/input-error.ts';
import { compareNames } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { DraftKind } from './draft-dentries.ts';
import { DentryKind, InodeFlag, type LayerIndex } from './layer-index.ts';
import { layerIndexLength, viewLayerIndex } from './layer-index-layout.ts';
import { ROOT_INODE, type LayerDraft } from './layer-draft.ts';

const NONE = 0xffffffff;

/** Consumes the draft. `fileName` is for messages. Throws FormatError for a hard link to a directory. */
export function freezeDraft(draft: LayerDraft, fileName: string): LayerIndex {
  const lowerLinks = resolveLinks(draft, fileName);
  const order = orderDentries(draft);
  return copyOut(draft, order, lowerLinks);
}

/**
 * Decides the target of each pending link: a name of this layer if the layer has it by now, else one of lower layers.
 * Dentries of links within the layer become plain names. Returns, for each pending link, the link whose path represents
 * it.
 */
function resolveLinks(draft: LayerDraft, fileName: string): Uint32Array {
  const { dentries, pendingLinks } = draft;
  const count = pendingLinks.length;
  /** Inode; NONE: in lower layers. */
  const inodeOf = new Uint32Array(count).fill(NONE);
  const standsFor = new Uint32Array(count);
  const state = new Uint8Array(count);
  const stack: number[] = [];
  for (let first = 0; first < count; first++) {
    let link = first;
    while (state[link] === 0) {
      state[link] = 1;
      stack.push(link);
      standsFor[link] = link;
      const { offset, length, memberOffset } = pendingLinks[link] as LayerDraft['pendingLinks'][number];
      const found = draft.lookupPath(draft.arena.bytes, offset, offset + length);
      if (found === undefined) break;
      if (found >= 0) {
        if (draft.isDirectory(found)) {
          const path = showName(draft.arena.bytes.subarray(offset, offset + length));
          throw new FormatError(
            fileName,
            memberOffset,
            `a hard link to the directory '${path}'`,
            'a link to anything but a directory',
          );
        }
        inodeOf[link] = found;
        break;
      }
      if (dentries.kind[-1 - found] !== DraftKind.pendingLink) break;
      // A link to a link. One that leads back to itself remains a link to its own path in lower layers.
      link = dentries.target[-1 - found] as number;
    }
    const last = stack.at(-1);
    if (last !== undefined && state[link] === 2) {
      inodeOf[last] = inodeOf[link] as number;
      standsFor[last] = standsFor[link] as number;
    }
    for (let i = stack.length - 1; i >= 0; i--) {
      const here = stack[i] as number;
      state[here] = 2;
      if (i === 0) break;
      const before = stack[i - 1] as number;
      inodeOf[before] = inodeOf[here] as number;
      standsFor[before] = standsFor[here] as number;
    }
    stack.length = 0;
  }
  for (let dentry = 0; dentry < dentries.count; dentry++) {
    if (dentries.kind[dentry] !== DraftKind.pendingLink) continue;
    const inode = inodeOf[dentries.target[dentry] as number] as number;
    if (inode === NONE) continue;
    dentries.kind[dentry] = DraftKind.inode;
    dentries.target[dentry] = inode;
  }
  return standsFor;
}

interface Order {
  /** Draft dentries in their final order. Element 0 stands for the root, which has no dentry: NONE. */
  readonly dentries: Uint32Array;
  /** Draft inodes in their final order. */
  readonly inodes: Uint32Array;
  /** By draft inode: its final number, NONE if it can't be reached. */
  readonly newInode: Uint32Array;
  /** By final number; 0 for anything but a directory. */
  readonly firstChild: Uint32Array;
  readonly childCount: Uint32Array;
}

/** Breadth first from the root. */
function orderDentries(draft: LayerDraft): Order {
  const { dentries, inodes } = draft;
  const children = groupByParent(draft);
  const order = new Uint32Array(dentries.count + 1);
  const inodeOrder = new Uint32Array(inodes.count);
  const newInode = new Uint32Array(inodes.count).fill(NONE);
  const firstChild = new Uint32Array(inodes.count);
  const childCount = new Uint32Array(inodes.count);
  /** By draft inode: 1 if no lower content shows in it. */
  const isIsolated = new Uint8Array(inodes.count);
  let dentryCount = 1;
  let inodeCount = 0;
  order[0] = NONE;
  for (let i = 0; i < dentryCount; i++) {
    const dentry = order[i] as number;
    if (dentry !== NONE && dentries.kind[dentry] !== DraftKind.inode) continue;
    const inode = dentry === NONE ? ROOT_INODE : (dentries.target[dentry] as number);
    if (newInode[inode] !== NONE) continue;
    newInode[inode] = inodeCount;
    inodeOrder[inodeCount] = inode;
    if (draft.isDirectory(inode)) {
      const parent = dentry === NONE ? ROOT_INODE : (dentries.parent[dentry] as number);
      const isOpaque = ((inodes.flags[inode] as number) & InodeFlag.opaque) !== 0;
      // A redirect gives a directory a place of its own in lower layers.
      const isMoved = draft.redirects.has(inode) || draft.unfollowed.has(inode);
      isIsolated[inode] = isOpaque ? 1 : isMoved ? 0 : (isIsolated[parent] as number);
      const first = dentryCount;
      for (let at = children.start[inode] as number; at < (children.start[inode + 1] as number); at++) {
        const child = children.dentries[at] as number;
        if (isIsolated[inode] === 0 || !isMarker(draft, child)) order[dentryCount++] = child;
      }
      sortByName(draft, order.subarray(first, dentryCount));
      firstChild[inodeCount] = first;
      childCount[inodeCount] = dentryCount - first;
    }
    inodeCount++;
  }
  return {
    dentries: order.subarray(0, dentryCount),
    inodes: inodeOrder.subarray(0, inodeCount),
    newInode,
    firstChild,
    childCount,
  };
}

/** True for a whiteout, or a directory that exists only to carry whiteouts. */
function isMarker(draft: LayerDraft, dentry: number): boolean {
  const { dentries, inodes } = draft;
  if (dentries.kind[dentry] === DraftKind.whiteout) return true;
  if (dentries.kind[dentry] !== DraftKind.inode) return false;
  return ((inodes.flags[dentries.target[dentry] as number] as number) & InodeFlag.carrier) !== 0;
}

/** The dentries of directory (draft inode) d are dentries[start[d]] to dentries[start[d + 1] - 1]. */
function groupByParent(draft: LayerDraft): { start: Uint32Array; dentries: Uint32Array } {
  const { count, parent } = draft.dentries;
  const start = new Uint32Array(draft.inodes.count + 2);
  for (let i = 0; i < count; i++) {
    const slot = (parent[i] as number) + 2;
    start[slot] = (start[slot] as number) + 1;
  }
  for (let i = 1; i < start.length; i++) start[i] = (start[i] as number) + (start[i - 1] as number);
  const grouped = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const slot = (parent[i] as number) + 1;
    grouped[start[slot] as number] = i;
    start[slot] = (start[slot] as number) + 1;
  }
  return { start, dentries: grouped };
}

function sortByName(draft: LayerDraft, list: Uint32Array): void {
  const { nameOffset, nameLength } = draft.dentries;
  const { bytes } = draft.arena;
  const compare = (a: number, b: number): number => {
    const aStart = nameOffset[a] as number;
    const bStart = nameOffset[b] as number;
    const aEnd = aStart + (nameLength[a] as number);
    return compareNames(bytes, aStart, aEnd, bytes, bStart, bStart + (nameLength[b] as number));
  };
  // Most archives are sorted, or nearly.
  for (let i = 1; i < list.length; i++) {
    if (compare(list[i - 1] as number, list[i] as number) > 0) {
      list.sort(compare);
      return;
    }
  }
}

function copyOut(draft: LayerDraft, order: Order, standsFor: Uint32Array): LayerIndex {
  const { dentries, inodes, xattrs, extents, pendingLinks } = draft;
  /** By pending link: its number in `links`, NONE until it is used. */
  const linkNumber = new Uint32Array(pendingLinks.length).fill(NONE);
  const usedLinks: number[] = [];
  let pool = 0;
  for (const dentry of order.dentries) {
    if (dentry === NONE) continue;
    pool += dentries.nameLength[dentry] as number;
    if (dentries.kind[dentry] !== DraftKind.pendingLink) continue;
    const link = standsFor[dentries.target[dentry] as number] as number;
    if (linkNumber[link] !== NONE) continue;
    linkNumber[link] = usedLinks.length;
    usedLinks.push(link);
    pool += (pendingLinks[link] as LayerDraft['pendingLinks'][number]).length;
  }
  for (const inode of order.inodes) {
    if (((inodes.mode[inode] as number) & S_IFMT) === S_IFLNK) pool += inodes.size[inode] as number;
  }
  const counts = {
    dentries: order.dentries.length,
    inodes: order.inodes.length,
    pool,
    xattrs: xattrs.arena.length,
    extents: extents.length,
    links: 2 * usedLinks.length,
  };
  const index = viewLayerIndex(new ArrayBuffer(layerIndexLength(counts)), 0, counts);
  index.xattrs.set(xattrs.arena.bytes.subarray(0, xattrs.arena.length));
  index.extents.set(extents.numbers.subarray(0, extents.length));
  let at = copyDentries(draft, order, standsFor, linkNumber, index);
  at = copyInodes(draft, order, index, at);
  for (const [number, link] of usedLinks.entries()) {
    const { offset, length } = pendingLinks[link] as LayerDraft['pendingLinks'][number];
    index.pool.set(draft.arena.bytes.subarray(offset, offset + length), at);
    index.links[2 * number] = at;
    index.links[2 * number + 1] = length;
    at += length;
  }
  const { redirects, metacopies, unfollowed, protections } = draft;
  return redirects.size + metacopies.size + unfollowed.size + protections.size === 0
    ? index
    : { ...index, ...renumberMarks(draft, order.newInode) };
}

function renumberMarks(
  draft: LayerDraft,
  newInode: Uint32Array,
): Required<Pick<LayerIndex, 'redirects' | 'metacopies' | 'unfollowed' | 'protections'>> {
  const renumber = (inode: number): number => newInode[inode] as number;
  const isThere = (inode: number): boolean => newInode[inode] !== NONE;
  const renumberKeys = <T>(map: ReadonlyMap<number, T>): Map<number, T> =>
    new Map([...map].filter(([inode]) => isThere(inode)).map(([inode, value]) => [renumber(inode), value]));
  return {
    redirects: renumberKeys(draft.redirects),
    metacopies: new Set([...draft.metacopies].filter(isThere).map(renumber)),
    unfollowed: new Set([...draft.unfollowed].filter(isThere).map(renumber)),
    protections: renumberKeys(draft.protections),
  };
}

/** Returns the used bytes of the pool. */
function copyDentries(
  draft: LayerDraft,
  order: Order,
  standsFor: Uint32Array,
  linkNumber: Uint32Array,
  index: LayerIndex,
): number {
  const { dentries } = draft;
  const { bytes } = draft.arena;
  const { pool } = index;
  let at = 0;
  for (let i = 1; i < order.dentries.length; i++) {
    const dentry = order.dentries[i] as number;
    const target = dentries.target[dentry] as number;
    const length = dentries.nameLength[dentry] as number;
    index.nameOffset[i] = at;
    index.nameLength[i] = length;
    for (let from = dentries.nameOffset[dentry] as number, end = from + length; from < end; from++) {
      pool[at++] = bytes[from] as number;
    }
    switch (dentries.kind[dentry]) {
      case DraftKind.whiteout:
        index.dentryKind[i] = DentryKind.whiteout;
        break;
      case DraftKind.pendingLink:
        index.dentryKind[i] = DentryKind.lowerLink;
        index.dentryTarget[i] = linkNumber[standsFor[target] as number] as number;
        break;
      default:
        index.dentryTarget[i] = order.newInode[target] as number;
    }
  }
  return at;
}

/** Returns the used bytes of the pool, which were `poolLength` before. */
function copyInodes(draft: LayerDraft, order: Order, index: LayerIndex, poolLength: number): number {
  const { inodes } = draft;
  let at = poolLength;
  for (let i = 0; i < order.inodes.length; i++) {
    const inode = order.inodes[i] as number;
    const mode = inodes.mode[inode] as number;
    const size = inodes.size[inode] as number;
    let place = inodes.dataOffset[inode] as number;
    if ((mode & S_IFMT) === S_IFLNK) {
      index.pool.set(draft.arena.bytes.subarray(place, place + size), at);
      place = at;
      at += size;
    }
    index.mode[i] = mode;
    index.uid[i] = inodes.uid[inode] as number;
    index.gid[i] = inodes.gid[inode] as number;
    index.rdev[i] = inodes.rdev[inode] as number;
    index.size[i] = size;
    index.mtimeSec[i] = inodes.mtimeSec[inode] as number;
    index.mtimeNsec[i] = inodes.mtimeNsec[inode] as number;
    index.atimeSec[i] = inodes.atimeSec[inode] as number;
    index.atimeNsec[i] = inodes.atimeNsec[inode] as number;
    index.dataOffset[i] = place;
    index.xattr[i] = inodes.xattr[inode] as number;
    index.inodeFlags[i] = inodes.flags[inode] as number;
    index.firstChild[i] = order.firstChild[i] as number;
    index.childCount[i] = order.childCount[i] as number;
  }
  return at;
}
