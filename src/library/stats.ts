// Attributes of a file of an image, in the shape of node:fs: Stats, and BigIntStats with nanoseconds.
import type { Tree } from '../inspect/inspect.ts';
import { Attr } from '../vfs/attr.ts';
import { FileType } from './file-type.ts';

/** As a mount says it. */
const BLOCK_SIZE = 4096;
const NSEC_PER_SEC = 1_000_000_000n;

/**
 * As `Stats` of node:fs. `ino` is what a read-only mount of the image shows, and `dev` is 0. An image keeps neither ctime nor
 * birth time: both are the mtime.
 */
export class Stats extends FileType {
  readonly dev: number;
  readonly ino: number;
  /** File type and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  /** Bytes. */
  readonly size: number;
  readonly blksize: number;
  /** 512-byte units: holes are not counted. */
  readonly blocks: number;
  /** Milliseconds since 1970. */
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;
  /** The layer that the attributes and the bytes are from, counted from 1 at the base. Not in node:fs. */
  readonly layer: number;

  /** @internal Copies what the tree says of `inode`. */
  constructor(tree: Tree, inode: number) {
    const attr = readAttr(tree, inode);
    super(attr.mode);
    this.dev = 0;
    this.ino = inode + 1;
    ({ mode: this.mode, nlink: this.nlink, uid: this.uid, gid: this.gid, rdev: this.rdev } = attr);
    ({ size: this.size, blocks: this.blocks } = attr);
    this.blksize = BLOCK_SIZE;
    this.atimeMs = milliseconds(attr.atimeSec, attr.atimeNsec);
    this.mtimeMs = milliseconds(attr.mtimeSec, attr.mtimeNsec);
    this.ctimeMs = milliseconds(attr.ctimeSec, attr.ctimeNsec);
    this.birthtimeMs = this.ctimeMs;
    this.atime = new Date(this.atimeMs);
    this.mtime = new Date(this.mtimeMs);
    this.ctime = new Date(this.ctimeMs);
    this.birthtime = new Date(this.birthtimeMs);
    this.layer = tree.layerOf(inode) + 1;
  }
}

/** As `BigIntStats` of node:fs; otherwise as `Stats`. */
export class BigIntStats extends FileType {
  readonly dev: bigint;
  readonly ino: bigint;
  /** File type and permission bits. */
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly blksize: bigint;
  /** 512-byte units: holes are not counted. */
  readonly blocks: bigint;
  /** Milliseconds since 1970. */
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly birthtimeMs: bigint;
  /** Nanoseconds since 1970. */
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;
  /** The layer that the attributes and the bytes are from, counted from 1 at the base. Not in node:fs. */
  readonly layer: number;

  /** @internal Copies what the tree says of `inode`. */
  constructor(tree: Tree, inode: number) {
    const attr = readAttr(tree, inode);
    super(attr.mode);
    this.dev = 0n;
    this.ino = BigInt(inode + 1);
    this.mode = BigInt(attr.mode);
    this.nlink = BigInt(attr.nlink);
    this.uid = BigInt(attr.uid);
    this.gid = BigInt(attr.gid);
    this.rdev = BigInt(attr.rdev);
    this.size = BigInt(attr.size);
    this.blksize = BigInt(BLOCK_SIZE);
    this.blocks = BigInt(attr.blocks);
    this.atimeNs = nanoseconds(attr.atimeSec, attr.atimeNsec);
    this.mtimeNs = nanoseconds(attr.mtimeSec, attr.mtimeNsec);
    this.ctimeNs = nanoseconds(attr.ctimeSec, attr.ctimeNsec);
    this.birthtimeNs = this.ctimeNs;
    this.atimeMs = BigInt(Math.floor(milliseconds(attr.atimeSec, attr.atimeNsec)));
    this.mtimeMs = BigInt(Math.floor(milliseconds(attr.mtimeSec, attr.mtimeNsec)));
    this.ctimeMs = BigInt(Math.floor(milliseconds(attr.ctimeSec, attr.ctimeNsec)));
    this.birthtimeMs = this.ctimeMs;
    this.atime = new Date(Number(this.atimeMs));
    this.mtime = new Date(Number(this.mtimeMs));
    this.ctime = new Date(Number(this.ctimeMs));
    this.birthtime = new Date(Number(this.birthtimeMs));
    this.layer = tree.layerOf(inode) + 1;
  }
}

function readAttr(tree: Tree, inode: number): Attr {
  const attr = new Attr();
  tree.readAttr(inode, attr);
  return attr;
}

function milliseconds(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

function nanoseconds(seconds: number, rest: number): bigint {
  return BigInt(seconds) * NSEC_PER_SEC + BigInt(rest);
}
