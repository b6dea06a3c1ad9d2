// The steps of a copy-up, each in one call (native/addon/upper_fill.cc). Names, descriptors and results are as in upper-calls.ts.
import { addon } from './addon.ts';

/** What may fail when the owner of a new file is set, as a sum of bits: EPERM and EINVAL are then ignored. */
export const OwnerTolerance = {
  NONE: 0,
  /** The user may stay that of this process; the group is set all the same. */
  USER: 1,
  /** The group may stay that of this process; the user is set all the same. */
  GROUP: 2,
  /** Both stay as they are if they can't be set together. */
  BOTH: 4,
} as const;

/** An xattr of a new file. */
export interface NewXattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  /** -EPERM and -EOPNOTSUPP are ignored. */
  readonly mayBeLost: boolean;
}

/** The metadata of a new file in the form that native code reads: `numbers` and `xattrs` of `packMetadata`. */
export interface PackedMetadata {
  readonly numbers: Float64Array;
  readonly xattrs: Uint8Array;
}

/** The owner of a new file. KEEP_ID leaves the user or the group unchanged. */
export interface NewFileOwner {
  readonly uid: number;
  readonly gid: number;
  /** A sum of OwnerTolerance bits. */
  readonly tolerance: number;
}

/** As in Attr. */
export interface NewFileTimes {
  readonly atimeSec: number;
  readonly atimeNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

/** `mode` of `packMetadata` that leaves the permission bits unchanged: those of a symlink can't be changed. */
export const KEEP_MODE = -1;

/** Bytes before the name of a packed xattr: u8 mayBeLost, u8 0, u16 size of the name with its NUL, u32 size of the value. */
const XATTR_HEADER = 8;
const NO_XATTRS = new Uint8Array(0);

/** Owner, xattrs, mode and times are set in this order, so that no step undoes another; the xattrs in the order given. */
export function packMetadata(
  { uid, gid, tolerance }: NewFileOwner,
  xattrs: readonly NewXattr[],
  mode: number,
  { atimeSec, atimeNsec, mtimeSec, mtimeNsec }: NewFileTimes,
): PackedMetadata {
  return {
    numbers: Float64Array.of(uid, gid, tolerance, mode, atimeSec, atimeNsec, mtimeSec, mtimeNsec),
    xattrs: xattrs.length === 0 ? NO_XATTRS : packXattrs(xattrs),
  };
}

function packXattrs(xattrs: readonly NewXattr[]): Uint8Array {
  let size = 0;
  for (const { name, value } of xattrs) size += XATTR_HEADER + name.length + 1 + value.length;
  const packed = Buffer.alloc(size);
  let at = 0;
  for (const { name, value, mayBeLost } of xattrs) {
    packed[at] = mayBeLost ? 1 : 0;
    packed.writeUInt16LE(name.length + 1, at + 2);
    packed.writeUInt32LE(value.length, at + 4);
    packed.set(name, at + XATTR_HEADER);
    packed.set(value, at + XATTR_HEADER + name.length + 1);
    at += XATTR_HEADER + name.length + 1 + value.length;
  }
  return packed;
}

/** What `fillLater` does to get the bytes to the disk: nothing; start to write them; start, and fsync(2) at the end. */
export const Sync = { NONE: 0, START: 1, FINISH: 2 } as const;

/** `size` of `fillLater`: more bytes follow in another call. */
export const MORE_FOLLOWS = -1;

interface UpperFill {
  fillLater: (
    fd: number,
    ranges: Float64Array,
    bytes: Uint8Array,
    offset: number,
    size: number,
    sync: number,
    numbers: Float64Array,
    xattrs: Uint8Array,
  ) => Promise<number>;
  setNewMetadata: (dir: number, name: Uint8Array, numbers: Float64Array, xattrs: Uint8Array) => number;
  makeNewDirectory: (dir: number, name: Uint8Array, numbers: Float64Array, xattrs: Uint8Array) => number;
  linkKeepingTimes: (fromDir: number, fromName: Uint8Array, dir: number, name: Uint8Array) => number;
  renameKeepingTimes: (fromDir: number, fromName: Uint8Array, dir: number, name: Uint8Array) => number;
}
const calls = addon as UpperFill;

/**
 * Writes bytes to a new file on a pool thread. `ranges` are bytes of other files: descriptor, position there, offset in the new
 * file, length, one after the other. They are cloned if the file system can, else copied. Then `bytes`, which are copied first,
 * are written to `offset`. -EIO if a range ends early. All descriptors must stay open until the promise is settled.
 *
 * The last call for a file has its `size`: then it is truncated to that, gets its metadata, and is synced as `sync` says. In
 * other calls `size` is MORE_FOLLOWS, and the metadata is ignored.
 */
export const fillLater = calls.fillLater;

/** Gives a new file or directory its metadata. -EOVERFLOW if this user namespace has no such owner. */
export const setNewMetadata = calls.setNewMetadata;

/** Makes a directory with its metadata: its inode number, or a negative errno as above. On failure nothing is left. */
export const makeNewDirectory = calls.makeNewDirectory;

/** linkAt; atime and mtime of the directory `dir` (O_PATH suffices) stay as they were. */
export const linkKeepingTimes = calls.linkKeepingTimes;

/** renameAt without flags; atime and mtime of the directory `dir` (O_PATH suffices) stay as they were. */
export const renameKeepingTimes = calls.renameKeepingTimes;
