// The plan of an EROFS image: where each part and each inode lies, before a byte is written. The same source always
// gives the same plan.
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { DirectoryNames } from './directory.ts';
import {
  BLOCK,
  CHUNK_INDEX_SIZE,
  INODE_SIZE,
  MAX_BLOCKS,
  MAX_DEVICES,
  SLOT,
  alignUp,
  headLength,
} from './layout.ts';
import { type PlannedFile, planFiles } from './plan-files.ts';
import type { ErofsSource } from './source.ts';
import { ErofsXattrs } from './xattrs.ts';

/** Offsets are in bytes from the start of the image. */
export interface ImagePlan {
  readonly xattrs: ErofsXattrs;
  readonly xattrStart: number;
  /** Nid 0. */
  readonly metaStart: number;
  /** By inode: its nid; 0: it is left out. */
  readonly nids: Uint32Array;
  /** By inode: i_size of a directory. */
  readonly directorySizes: ReadonlyMap<number, number>;
  readonly namesStart: number;
  readonly bytesStart: number;
  /** The size of the image. */
  readonly end: number;
  /** Regular files, all that are not one piece in place. */
  readonly files: ReadonlyMap<number, PlannedFile>;
  readonly copiedBytes: number;
  readonly leftOut: number;
}

/** Throws InputError for what an EROFS image can't hold, ErrnoError if a layer can't be read. */
export async function planImage(source: ErofsSource): Promise<ImagePlan> {
  const { tree, devices } = source;
  if (devices.length > MAX_DEVICES) {
    throw new InputError(
      `the image has ${devices.length} layer files, expected at most ${MAX_DEVICES} for an EROFS image`,
    );
  }
  const files = await planFiles(source);
  const xattrs = ErofsXattrs.of(source);
  const xattrStart = headLength(devices.length);
  const metaStart = alignUp(xattrStart + xattrs.sharedSize, BLOCK);
  const nids = new Uint32Array(tree.inodeCount);
  const directorySizes = new Map<number, number>();
  const isLeftOut = (inode: number): boolean => isWhiteout(source, inode);
  const names = new DirectoryNames(tree, isLeftOut);
  // Nid 0 stays free: programs skip a name whose inode number is 0.
  let end = metaStart + SLOT;
  let nameBlocks = 0;
  let copiedBlocks = 0;
  let leftOut = 0;
  const place = (inode: number, head: number, tail: number): void => {
    let start = alignUp(end, SLOT);
    while (tail > 0 && ((start + head) % BLOCK) + tail > BLOCK) start += SLOT;
    const nid = (start - metaStart) / SLOT;
    if (nid > 0xffff_ffff) throw tooLarge();
    nids[inode] = nid;
    end = start + head + tail;
  };
  const headOf = (inode: number): number => INODE_SIZE + (xattrs.areaOf(inode)?.length ?? 0);
  const placeNames = (inode: number, size: number): void => {
    const head = headOf(inode);
    const { blocks, tail } = splitNames(head, size);
    nameBlocks += blocks;
    place(inode, head, tail);
  };

  for (let inode = 0; inode < tree.inodeCount; inode++) {
    if (!tree.isDirectory(inode)) continue;
    const size = names.open(inode);
    directorySizes.set(inode, size);
    placeNames(inode, size);
  }
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const type = tree.modeOf(inode) & S_IFMT;
    if (type === S_IFDIR) continue;
    if (isLeftOut(inode)) {
      leftOut++;
      continue;
    }
    const head = headOf(inode);
    const size = type === S_IFREG ? tree.sizeOf(inode) : 0;
    if (size > 0) {
      const file = files.get(inode);
      place(inode, alignUp(head, CHUNK_INDEX_SIZE) + CHUNK_INDEX_SIZE * (file?.count ?? 1), 0);
      copiedBlocks += file?.copiedBlocks ?? 0;
    } else if (type === S_IFLNK) placeNames(inode, tree.sizeOf(inode));
    else place(inode, head, 0);
  }
  const namesStart = alignUp(end, BLOCK);
  const bytesStart = namesStart + nameBlocks * BLOCK;
  const imageEnd = bytesStart + copiedBlocks * BLOCK;
  if (imageEnd / BLOCK > MAX_BLOCKS) throw tooLarge();
  return {
    ...{ xattrs, xattrStart, metaStart, nids, directorySizes, namesStart, bytesStart, end: imageEnd },
    ...{ files, copiedBytes: copiedBlocks * BLOCK, leftOut },
  };
}

/**
 * How the target of a symlink or the names of a directory lie, of `size` bytes, after an inode that has `head` bytes
 * with its xattrs: the bytes in whole blocks elsewhere, and those after the inode, which must lie within one block.
 */
export function splitNames(head: number, size: number): { readonly blocks: number; readonly tail: number } {
  const tail = size % BLOCK;
  // An inode begins at a multiple of 32, so its tail can't begin at any place in a block.
  const room = BLOCK - (head % SLOT);
  return tail <= room
    ? { blocks: Math.floor(size / BLOCK), tail }
    : { blocks: Math.ceil(size / BLOCK), tail: 0 };
}

/** True for a character device that a kernel overlayfs on top would take for a whiteout. */
function isWhiteout({ tree, isOverlayLower }: ErofsSource, inode: number): boolean {
  return isOverlayLower && (tree.modeOf(inode) & S_IFMT) === S_IFCHR && tree.rdevOf(inode) === 0;
}

function tooLarge(): InputError {
  return new InputError('the EROFS image would have more than 2 TiB, which the format cannot hold');
}
