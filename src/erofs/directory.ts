// The names of a directory as EROFS stores them: blocks of 512 bytes, each with its entries and then their names, all
// sorted bytewise, "." and ".." among the others. Whole blocks stand by themselves, the rest after the inode.
import type { Tree } from '../tree/tree.ts';
import { compareNames } from '../vfs/names.ts';
import { S_IFMT } from '../vfs/attr.ts';
import { BLOCK, DIRENT_SIZE, FT_DIR, fileTypes } from './layout.ts';

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');
/** In place of a dentry. */
const SELF = -1;
const PARENT = -2;

/** The dentries of one directory in the image's order, SELF and PARENT among them. It is filled again and again. */
export class DirectoryNames {
  readonly #tree: Tree;
  readonly #isLeftOut: (inode: number) => boolean;
  #directory = 0;
  #dentries = new Int32Array(64);
  #count = 0;

  /** @param isLeftOut true for an inode that the image doesn't have */
  constructor(tree: Tree, isLeftOut: (inode: number) => boolean) {
    this.#tree = tree;
    this.#isLeftOut = isLeftOut;
  }

  /** Takes the names of `directory`. Returns its i_size: whole blocks, then the used part of the last one, 1 to 512. */
  open(directory: number): number {
    this.#directory = directory;
    this.#collect();
    let blocks = 0;
    let used = 0;
    for (let i = 0; i < this.#count; i++) {
      const need = DIRENT_SIZE + this.#lengthOf(this.#dentries[i] as number);
      if (used + need > BLOCK) {
        blocks++;
        used = 0;
      }
      used += need;
    }
    return blocks * BLOCK + used;
  }

  /**
   * Calls `write` for each block of the open directory that `wants` accepts, by its number from 0: `write` returns the
   * place in `bytes`, all zeros, to which the block is then written.
   */
  encode(
    nids: Uint32Array,
    wants: (block: number) => boolean,
    write: (length: number) => { readonly bytes: Buffer; readonly view: DataView; readonly at: number },
  ): void {
    let first = 0;
    for (let block = 0; first < this.#count; block++) {
      let end = first;
      let used = 0;
      for (; end < this.#count; end++) {
        const need = DIRENT_SIZE + this.#lengthOf(this.#dentries[end] as number);
        if (used + need > BLOCK) break;
        used += need;
      }
      if (wants(block)) {
        const { bytes, view, at } = write(end < this.#count ? BLOCK : used);
        this.#encodeBlock(nids, first, end, bytes, view, at);
      }
      first = end;
    }
  }

  #encodeBlock(
    nids: Uint32Array,
    first: number,
    end: number,
    bytes: Buffer,
    view: DataView,
    start: number,
  ): void {
    const tree = this.#tree;
    let name = start + (end - first) * DIRENT_SIZE;
    for (let i = first, at = start; i < end; i++, at += DIRENT_SIZE) {
      const dentry = this.#dentries[i] as number;
      const inode = this.#inodeOf(dentry);
      view.setUint32(at, nids[inode] as number, true);
      view.setUint16(at + 8, name - start, true);
      bytes[at + 10] = dentry < 0 ? FT_DIR : (fileTypes[(tree.modeOf(inode) & S_IFMT) >>> 12] ?? 0);
      const from = dentry < 0 ? DOT_DOT : tree.namePool;
      const nameStart = dentry < 0 ? 0 : tree.nameStart(dentry);
      const length = this.#lengthOf(dentry);
      for (let k = 0; k < length; k++) bytes[name + k] = from[nameStart + k] as number;
      name += length;
    }
  }

  #inodeOf(dentry: number): number {
    if (dentry === SELF) return this.#directory;
    return dentry === PARENT ? this.#tree.parentOf(this.#directory) : this.#tree.dentryInode(dentry);
  }

  #lengthOf(dentry: number): number {
    return dentry < 0 ? -dentry : this.#tree.nameEnd(dentry) - this.#tree.nameStart(dentry);
  }

  #collect(): void {
    const tree = this.#tree;
    const first = tree.firstChild(this.#directory);
    const count = tree.childCount(this.#directory);
    if (this.#dentries.length < count + 2) this.#dentries = new Int32Array(2 * (count + 2));
    this.#count = 0;
    let next = SELF;
    for (let dentry = first; dentry < first + count; dentry++) {
      while (next >= PARENT && this.#isBefore(next, dentry)) this.#dentries[this.#count++] = next--;
      if (!this.#isLeftOut(tree.dentryInode(dentry))) this.#dentries[this.#count++] = dentry;
    }
    while (next >= PARENT) this.#dentries[this.#count++] = next--;
  }

  #isBefore(special: number, dentry: number): boolean {
    const tree = this.#tree;
    const name = special === SELF ? DOT : DOT_DOT;
    return (
      compareNames(name, 0, name.length, tree.namePool, tree.nameStart(dentry), tree.nameEnd(dentry)) < 0
    );
  }
}
