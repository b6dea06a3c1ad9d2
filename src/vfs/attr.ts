// The attributes of an inode, as in stat(2). Callers fill one object again and again: hot paths allocate nothing.

export class Attr {
  /** What `ls -i` shows: stable over remounts of the same image. */
  ino = 0;
  /** Bytes. */
  size = 0;
  /** 512-byte units, as st_blocks. */
  blocks = 0;
  /** Whole seconds since 1970, negative before; the matching *Nsec is 0 to 999,999,999 and always adds. */
  atimeSec = 0;
  mtimeSec = 0;
  ctimeSec = 0;
  atimeNsec = 0;
  mtimeNsec = 0;
  ctimeNsec = 0;
  /** File type and permission bits, as st_mode. */
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  /** The kernel's 32-bit new_encode_dev form: see `makeRdev`. */
  rdev = 0;
  /** Birth time; `hasBtime` is false if the file system doesn't store one (then both are 0). */
  hasBtime = false;
  btimeSec = 0;
  btimeNsec = 0;
}

/** Mode bits above the permissions. */
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const SET_ID_BITS = S_ISUID | S_ISGID;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

/** A device number as the kernel and FUSE encode it in 32 bits (new_encode_dev, linux/kdev_t.h). */
export function makeRdev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The inverse of `makeRdev` (new_decode_dev). */
export function rdevMajor(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

export function rdevMinor(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
}
