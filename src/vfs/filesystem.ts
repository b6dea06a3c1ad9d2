// The waist of the project: a file system by inode, as the kernel asks for it.
//
// `overlay/` implements it, `fuse/` serves it; neither knows the other. Metadata is answered in place: a thread hop
// costs more than the call. Only what may wait for a disk or a decompressor returns a promise. "Not there" and
// every other expected failure is a negative errno, never a throw. Names are bytes. Buffers passed in are lent
// until the handler returns.
import type { Attr } from './attr.ts';
import type { ReadResult } from './blob-reader.ts';

/** The kernel's handle of an inode; the root is 1. */
export type NodeId = number & { readonly __brand: 'NodeId' };
export const ROOT_NODE_ID = 1 as NodeId;

/** 0 or a negative errno. */
export type Status = number;

/** What lookup finds. Filled by the callee, used again by the caller. */
export interface Entry {
  nodeId: NodeId;
  /** Differs whenever a node ID is used again for another inode. */
  generation: number;
  readonly attr: Attr;
}

/** Where readdir puts directory entries. */
export interface DirectorySink {
  /** True where the kernel wants attributes too; then `entry` must be complete, else only nodeId, ino, mode count. */
  readonly wantsAttributes: boolean;
  /**
   * Adds one entry. The name is bytes `start` to `end` of `names`. `cookie` is the offset from which a later
   * readdir goes on behind this entry. False: it did not fit, stop. With `wantsAttributes` an entry that was
   * added counts as one lookup of its nodeId ("." and ".." excepted: they are added with nodeId 0).
   */
  add(names: Uint8Array, start: number, end: number, cookie: number, entry: Entry): boolean;
}

export interface StatFs {
  /** In units of `blockSize` bytes. */
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  blockSize: number;
  nameLength: number;
}

export interface FileSystem {
  readonly isReadOnly: boolean;
  /** True where some inode carries a POSIX ACL: only then is the kernel told to ask for them. */
  readonly hasPosixAcl: boolean;

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status;
  /** The kernel drops `count` of the lookups that it was answered. */
  forget(node: NodeId, count: number): void;
  getattr(node: NodeId, out: Attr): Status;
  /** The target's bytes, or a negative errno. */
  readlink(node: NodeId): Uint8Array | number;
  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult>;
  /** Entries behind `cookie` (0 from the start, "." and ".." included) until the sink is full. */
  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status;
  /** SEEK_DATA (3) or SEEK_HOLE (4) from `offset`: the new offset, or a negative errno (-ENXIO past the end). */
  seek(node: NodeId, offset: number, whence: number): number;
  /** The value, or a negative errno (-ENODATA). */
  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number;
  /** Names, each ended by NUL, or a negative errno. */
  listxattr(node: NodeId): Uint8Array | number;
  statfs(out: StatFs): Status;
  /** Called once, when the mount is gone. */
  close(): void | Promise<void>;
}
