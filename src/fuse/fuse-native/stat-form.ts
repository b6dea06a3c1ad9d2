// struct stat and struct statvfs in the package's form. What it has no room for is EOVERFLOW, as in stat(2).
import type { Attr } from '../../vfs/attr.ts';
import { EOVERFLOW } from '../../vfs/errno.ts';
import type { StatFs } from '../../vfs/filesystem.ts';
import type { AttrView } from '../wire/attr-view.ts';
import { BLOCK_SIZE } from '../wire/protocol.ts';
import type { PackageStat, PackageStatFs } from './package.ts';

const UINT32_MAX = 0xffffffff;

/** Times are cut to milliseconds; one before 1970, or an inode number of more than 32 bits, is -EOVERFLOW. */
export function statOf(attr: Attr, view: AttrView): PackageStat | number {
  if (attr.ino > UINT32_MAX || attr.atimeSec < 0 || attr.mtimeSec < 0 || attr.ctimeSec < 0) return -EOVERFLOW;
  return {
    mode: view.showMode(attr.mode),
    ino: attr.ino,
    nlink: attr.nlink,
    uid: view.showUser(attr.uid),
    gid: view.showGroup(attr.gid),
    rdev: attr.rdev,
    size: attr.size,
    blocks: attr.blocks,
    blksize: BLOCK_SIZE,
    atime: milliseconds(attr.atimeSec, attr.atimeNsec),
    mtime: milliseconds(attr.mtimeSec, attr.mtimeNsec),
    ctime: milliseconds(attr.ctimeSec, attr.ctimeNsec),
  };
}

function milliseconds(sec: number, nsec: number): number {
  return sec * 1000 + Math.floor(nsec / 1_000_000);
}

/** Too many blocks are reported as fewer, larger ones (rounded down); too many inodes as the largest number. */
export function statFsOf(from: StatFs): PackageStatFs {
  let scale = 1;
  while (from.blocks / scale > UINT32_MAX) scale *= 2;
  const blocks = (count: number): number => Math.floor(count / scale);
  const files = (count: number): number => Math.min(count, UINT32_MAX);
  return {
    bsize: from.blockSize * scale,
    frsize: from.blockSize * scale,
    blocks: blocks(from.blocks),
    bfree: blocks(from.blocksFree),
    bavail: blocks(from.blocksAvailable),
    files: files(from.files),
    ffree: files(from.filesFree),
    favail: files(from.filesFree),
    namemax: from.nameLength,
  };
}
