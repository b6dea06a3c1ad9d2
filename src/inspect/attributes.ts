// Compares the attributes of two inodes, of layers or of merged trees: all that `stat` and `getfattr` show.
import type { LayerIndex } from '../layer/layer-index.ts';
import type { Tree } from '../tree/tree.ts';
import { Attr, S_IFBLK, S_IFCHR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { Shown } from './name-trace.ts';

/** One difference between two versions of a path. */
export type Attribute =
  | ('type' | 'mode' | 'owner' | 'size' | 'mtime' | 'device' | 'target' | 'xattrs')
  /** The bytes differ; reported only for files of equal size. */
  | 'content'
  /** The sizes are equal; the bytes were not compared. */
  | 'content?';

/** The attributes of an inode that are compared. Getters compute them on demand. */
export interface Attributes {
  /** As st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  /** Seconds and nanoseconds; only for comparison. */
  readonly mtime: string;
  /** Bytes as latin1. */
  readonly target: string;
  /** Names and values in one text, sorted. */
  readonly xattrs: string;
}

/** The attributes in which two inodes differ, in the order of `Attribute`. Bytes and sizes of directories are not compared. */
export function differingAttributes(a: Attributes, b: Attributes): Attribute[] {
  const type = a.mode & S_IFMT;
  if (type !== (b.mode & S_IFMT)) return ['type'];
  const found: Attribute[] = [];
  if (a.mode !== b.mode) found.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) found.push('owner');
  if (type === S_IFREG && a.size !== b.size) found.push('size');
  if (a.mtime !== b.mtime) found.push('mtime');
  if ((type === S_IFCHR || type === S_IFBLK) && a.rdev !== b.rdev) found.push('device');
  if (type === S_IFLNK && a.target !== b.target) found.push('target');
  if (a.xattrs !== b.xattrs) found.push('xattrs');
  return found;
}

/** The attributes of one inode of a layer. */
export class LayerAttributes implements Attributes {
  readonly #index: LayerIndex;
  readonly #inode: number;

  constructor(indexes: readonly LayerIndex[], { layer, inode }: Shown) {
    this.#index = indexes[layer] as LayerIndex;
    this.#inode = inode;
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

  get rdev(): number {
    return this.#index.rdev[this.#inode] as number;
  }

  get size(): number {
    return this.#index.size[this.#inode] as number;
  }

  get mtime(): string {
    return `${this.#index.mtimeSec[this.#inode] as number}.${this.#index.mtimeNsec[this.#inode] as number}`;
  }

  get target(): string {
    const start = this.#index.dataOffset[this.#inode] as number;
    return latin1(this.#index.pool.subarray(start, start + this.size));
  }

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

/** The attributes of one inode of a merged tree. */
export class TreeAttributes implements Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly mtime: string;
  readonly #tree: Tree;
  readonly #inode: number;

  constructor(tree: Tree, inode: number) {
    const attr = new Attr();
    tree.readAttr(inode, attr);
    this.#tree = tree;
    this.#inode = inode;
    ({ mode: this.mode, uid: this.uid, gid: this.gid, rdev: this.rdev, size: this.size } = attr);
    this.mtime = `${attr.mtimeSec}.${attr.mtimeNsec}`;
  }

  get target(): string {
    return latin1(this.#tree.readlink(this.#inode));
  }

  get xattrs(): string {
    const names = latin1(this.#tree.listxattr(this.#inode)).split('\0').slice(0, -1).sort();
    const values = names.map((name) =>
      latin1(this.#tree.getxattr(this.#inode, Buffer.from(name, 'latin1')) ?? new Uint8Array()),
    );
    return JSON.stringify(names.map((name, i) => [name, values[i]]));
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
