// The names of a directory as EROFS stores them: blocks of 512 bytes, each with its entries and then their names, all
// sorted bytewise, "." and ".." among the others. Whole blocks stand by themselves, the rest after the inode.
import type { Tree } from '../tree/tree.ts';
import { compareNames } from '../vfs/names.ts';
import { S_IFMT } from '../vfs/attr.ts';
import { BLOCK, DIRENT_SIZE, FT_DIR, fileTypes } from './layout.ts';

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

/** One name, which is lent. */
export interface ListedName {
  inode: number;
  /** EROFS_FT_*. */
  type: number;
  names: Uint8Array;
  start: number;
  end: number;
}

/** The nid of an inode; -1: the inode is left out of the image. */
export type NidOf = (inode: number) => number;

/** Calls `visit` for each name in the image's order, "." and ".." included, with one object filled again and again. */
function visitNames(
  tree: Tree,
  directory: number,
  isLeftOut: (inode: number) => boolean,
  visit: (name: ListedName) => void,
): void {
  const listed: ListedName = { inode: directory, type: FT_DIR, names: DOT, start: 0, end: 0 };
  const special: readonly [Buffer, number][] = [
    [DOT, directory],
    [DOT_DOT, tree.parentOf(directory)],
  ];
  let specialsDone = 0;
  const visitSpecial = (): void => {
    const [names, inode] = special[specialsDone++] as [Buffer, number];
    listed.names = names;
    listed.start = 0;
    listed.end = names.length;
    listed.inode = inode;
    listed.type = FT_DIR;
    visit(listed);
  };
  const pool = tree.namePool;
  const first = tree.firstChild(directory);
  const end = first + tree.childCount(directory);
  for (let dentry = first; dentry < end; dentry++) {
    const nameStart = tree.nameStart(dentry);
    const nameEnd = tree.nameEnd(dentry);
    while (specialsDone < special.length) {
      const [name] = special[specialsDone] as [Buffer, number];
      if (compareNames(name, 0, name.length, pool, nameStart, nameEnd) > 0) break;
      visitSpecial();
    }
    const inode = tree.dentryInode(dentry);
    if (isLeftOut(inode)) continue;
    listed.names = pool;
    listed.start = nameStart;
    listed.end = nameEnd;
    listed.inode = inode;
    listed.type = fileTypes[(tree.modeOf(inode) & S_IFMT) >>> 12] ?? 0;
    visit(listed);
  }
  while (specialsDone < special.length) visitSpecial();
}

/** The i_size of a directory: whole blocks, then the used part of the last one, 1 to 512 bytes. */
export function measureDirectory(
  tree: Tree,
  directory: number,
  isLeftOut: (inode: number) => boolean,
): number {
  let blocks = 0;
  let used = 0;
  visitNames(tree, directory, isLeftOut, ({ start, end }) => {
    const need = DIRENT_SIZE + end - start;
    if (used + need > BLOCK) {
      blocks++;
      used = 0;
    }
    used += need;
  });
  return blocks * BLOCK + used;
}

/** The blocks of a directory, `size` bytes as `measureDirectory` counted them. */
export function encodeDirectory(
  tree: Tree,
  directory: number,
  size: number,
  { nidOf, isLeftOut }: { nidOf: NidOf; isLeftOut: (inode: number) => boolean },
): Buffer {
  const out = Buffer.alloc(size);
  let block = 0;
  let used = 0;
  let first: ListedName[] = [];
  const writeBlock = (): void => {
    let name = block + first.length * DIRENT_SIZE;
    for (const [i, each] of first.entries()) {
      const at = block + i * DIRENT_SIZE;
      const nid = nidOf(each.inode);
      out.writeUInt32LE(nid >>> 0, at);
      out.writeUInt32LE(Math.floor(nid / 2 ** 32), at + 4);
      out.writeUInt16LE(name - block, at + 8);
      out.writeUInt8(each.type, at + 10);
      out.set(each.names.subarray(each.start, each.end), name);
      name += each.end - each.start;
    }
  };
  visitNames(tree, directory, isLeftOut, (listed) => {
    const need = DIRENT_SIZE + listed.end - listed.start;
    if (used + need > BLOCK) {
      writeBlock();
      block += BLOCK;
      used = 0;
      first = [];
    }
    first.push({ ...listed });
    used += need;
  });
  writeBlock();
  return out;
}
