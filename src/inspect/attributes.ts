// Attributes of inodes of layers, compared: what `stat` and `getfattr` would tell apart.
import type { LayerIndex } from '../layer/layer-index.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { Shown } from './name-trace.ts';

export type Attribute = 'type' | 'mode' | 'owner' | 'size' | 'mtime' | 'device' | 'target' | 'xattrs';

/** In what two inodes differ, in the order of `Attribute`. The size and the contents of directories don't count. */
export function differingAttributes(
  indexes: readonly LayerIndex[],
  before: Shown,
  after: Shown,
): Attribute[] {
  const a = new Attributes(indexes[before.layer] as LayerIndex, before.inode);
  const b = new Attributes(indexes[after.layer] as LayerIndex, after.inode);
  if (a.type !== b.type) return ['type'];
  const found: Attribute[] = [];
  if (a.mode !== b.mode) found.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) found.push('owner');
  if (a.type === S_IFREG && a.size !== b.size) found.push('size');
  if (a.mtime !== b.mtime) found.push('mtime');
  if ((a.type === S_IFCHR || a.type === S_IFBLK) && a.rdev !== b.rdev) found.push('device');
  if (!a.target.equals(b.target)) found.push('target');
  if (a.xattrs !== b.xattrs) found.push('xattrs');
  return found;
}

/** Those of one inode. */
class Attributes {
  readonly #index: LayerIndex;
  readonly #inode: number;

  constructor(index: LayerIndex, inode: number) {
    this.#index = index;
    this.#inode = inode;
  }

  get type(): number {
    return (this.#index.mode[this.#inode] as number) & S_IFMT;
  }

  get mode(): number {
    return this.#index.mode[this.#inode] as number;
  }

  get uid(): number {
    return this.#index.uid[this.#inode] as number;
  }

  get gid(): number {
    return this.#index.gid[this.#inode] as number;
  }

  get size(): number {
    return this.#index.size[this.#inode] as number;
  }

  get rdev(): number {
    return this.#index.rdev[this.#inode] as number;
  }

  get mtime(): string {
    return `${this.#index.mtimeSec[this.#inode] as number}.${this.#index.mtimeNsec[this.#inode] as number}`;
  }

  /** Of a symlink; else empty. */
  get target(): Buffer {
    const { pool } = this.#index;
    const start = this.#index.dataOffset[this.#inode] as number;
    const isLink = ![S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK].includes(this.type) && this.size > 0;
    return Buffer.from(isLink ? pool.subarray(start, start + this.size) : []);
  }

  /** Names and values, sorted. */
  get xattrs(): string {
    const { xattrs } = this.#index;
    const at = this.#index.xattr[this.#inode] as number;
    if (at === 0) return '';
    const block = Buffer.from(xattrs.buffer, xattrs.byteOffset + at - 1);
    const found: string[] = [];
    let end = 2;
    for (let left = block.readUInt16LE(0); left > 0; left--) {
      const start = end;
      end += 5 + block.readUInt8(end) + block.readUInt32LE(end + 1);
      found.push(block.toString('latin1', start, end));
    }
    return found.sort().join();
  }
}
