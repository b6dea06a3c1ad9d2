// Refuses operations on files and directories that are immutable or append-only by Inode.protection.
//
// The rules are those of the VFS (fs/namei.c, fs/attr.c, fs/xattr.c, fs/open.c). The kernel has no flags of FUSE inodes, so it
// doesn't apply the rules itself, and the upper's file system only knows its own flags (protected.ts).
import { constants } from 'node:fs';
import { EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../../vfs/inode-flags.ts';
import type { AttrChanges, TimeChange } from '../../vfs/operation.ts';
import type { Inode } from '../read/inode.ts';

/** FALLOC_FL_KEEP_SIZE, linux/falloc.h. */
const KEEP_SIZE = 1;

/** -EPERM if any of the inodes is marked as immutable or append-only; else 0. */
export function refuseMarked(...inodes: readonly Inode[]): Status {
  return inodes.some(({ protection }) => protection !== 0) ? -EPERM : 0;
}

/** -EPERM if the directory is immutable. Names may be added to an append-only directory. */
export function refuseNewName({ protection }: Inode): Status {
  return (protection & FS_IMMUTABLE_FL) === 0 ? 0 : -EPERM;
}

/** For an open(2) that writes or truncates. */
export function refuseWriting({ protection }: Inode, flags: number): Status {
  if (protection === 0) return 0;
  const appends = (flags & constants.O_APPEND) !== 0 && (flags & constants.O_TRUNC) === 0;
  return appends && protection === FS_APPEND_FL ? 0 : -EPERM;
}

/** The times of an append-only file can only be set to the current time. */
export function refuseAttributes({ protection }: Inode, changes: AttrChanges): Status {
  if (protection === 0) return 0;
  const { size, mode, uid, gid, atime, mtime } = changes;
  const isGiven = (time: TimeChange | undefined): boolean => time !== undefined && time !== 'now';
  const changesOthers = size !== undefined || mode !== undefined || uid !== undefined || gid !== undefined;
  return protection === FS_APPEND_FL && !changesOthers && !isGiven(atime) && !isGiven(mtime) ? 0 : -EPERM;
}

/** For fallocate(2) of a file that is open for writing. */
export function refuseAllocating({ protection }: Inode, mode: number): Status {
  return (protection & FS_APPEND_FL) !== 0 && (mode & ~KEEP_SIZE) !== 0 ? -EPERM : 0;
}
