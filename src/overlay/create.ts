// Makes inodes: create, mkdir, mknod, symlink.
//
// Where nothing stands in the upper they are made in place: the upper's own file system applies set-group-ID of the
// directory, its default ACL, or the umask. Over a whiteout they are made in the work directory (make-staged.ts) and take its
// place in one step; a directory then becomes opaque. So is a character device 0:0, which the upper has in two steps.
import { closeSync } from 'node:fs';
import {
  Stat,
  chmodAt,
  createAt,
  mkdirAt,
  reopen,
  rmdirAt,
  symlinkAt,
  tmpfileAt,
  unlinkAt,
  KEEP_ID,
} from '../sys/upper-calls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, SET_ID_BITS } from '../vfs/attr.ts';
import { EEXIST, ENAMETOOLONG, ENOENT, EPERM } from '../vfs/errno.ts';
import type { Status } from '../vfs/filesystem.ts';
import { NAME_MAX, latin1Of } from '../vfs/names.ts';
import type { Call, NewInode } from '../vfs/operation.ts';
import { isAufsName } from './aufs-form.ts';
import { copyUpDirectory } from './copy-up-directory.ts';
import type { DirectoryInode } from './directory-inode.ts';
import type { Inode } from './inode.ts';
import type { KeptOwners } from './kept-owners.ts';
import { makeStaged } from './make-staged.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, makeShownWhiteout, markHolder } from './shown-whiteout.ts';
import { NO_NAME, O_PATH } from './upper.ts';

/** What is made. */
export interface Making extends NewInode {
  /** Of a symlink. */
  readonly target?: Uint8Array;
  /** Open for both, of a regular file that was made; else -1. Owned by who makes. */
  fd: number;
}

/** A new inode; a regular file's descriptor is left in `making.fd`. Or a negative errno, and nothing is changed. */
export function makeInode(
  state: OverlayState,
  directory: DirectoryInode,
  name: Uint8Array,
  making: Making,
  call: Call,
): Inode | number {
  let status = refuse(state, directory, name);
  if (status === 0) status = copyUpDirectory(state, directory);
  if (status < 0) return status;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const key = latin1Of(name);
  const isShown = isWhiteoutDevice(making.mode, making.rdev);
  if (isShown) status = markHolder(state.upper, directory);
  const make = isShown || directory.whiteouts.has(key) ? makeStaged : makeInPlace;
  if (status === 0) status = make(state, dir, name, making, call);
  if (status === 0) status = state.upper.statAt(dir, name);
  if (status < 0) {
    // The name may have been there for a moment.
    state.changed.add(directory);
    closeMade(making);
    return status;
  }
  directory.whiteouts.delete(key);
  return register(state, directory, key, making.mode & S_IFMT);
}

function refuse(state: OverlayState, directory: DirectoryInode, name: Uint8Array): Status {
  if (directory.isRemoved) return -ENOENT;
  if (name.length > NAME_MAX) return -ENAMETOOLONG;
  if (isAufsName(state.upper, name)) return -EPERM;
  const found = state.directories.find(directory, name);
  if (found === -ENOENT) return 0;
  return found < 0 ? found : -EEXIST;
}

function makeInPlace(state: OverlayState, dir: number, name: Uint8Array, making: Making, call: Call): Status {
  const made = makeFile(state, dir, name, making);
  if (made < 0) return made;
  const status = own(state, dir, name, isSetgid(state, dir), making, call);
  if (status < 0) removeMade(dir, name, making);
  return status;
}

/** Makes the file itself, the caller's not yet. */
export function makeFile(state: OverlayState, dir: number, name: Uint8Array, making: Making): Status {
  const { umask, rdev, target } = making;
  const mode = storedMode(state, making.mode);
  switch (mode & S_IFMT) {
    case S_IFREG:
      making.fd = createAt(dir, name, state.upper.newFileFlags, mode & 0o7777, umask);
      return Math.min(making.fd, 0);
    case S_IFDIR:
      return mkdirAt(dir, name, mode & 0o7777, umask);
    case S_IFLNK:
      return symlinkAt(target ?? NO_NAME, dir, name);
    default:
      return isWhiteoutDevice(mode, rdev)
        ? makeShownWhiteout(state.upper.marks, dir, name, mode, umask)
        : state.upper.makeNode(dir, name, mode, rdev, umask);
  }
}

/** Where owners are kept aside, set-ID bits would mean the daemon's own user. */
function storedMode(state: OverlayState, mode: number): number {
  return state.upper.keptOwners === undefined ? mode : mode & (S_IFMT | 0o777);
}

/** A function, so that root's callers, who own what the daemon makes, never ask. Where true, `upper.stat` tells of `dir`. */
export function isSetgid(state: OverlayState, dir: number): () => boolean {
  return () =>
    state.upper.statAt(dir, NO_NAME) === 0 && ((state.upper.stat[Stat.mode] as number) & S_ISGID) !== 0;
}

/** Gives what was made to the caller. A set-group-ID directory has given its group already. */
export function own(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  hasDirectoryGroup: () => boolean,
  making: NewInode,
  call: Call,
): Status {
  const { daemonUid, daemonGid } = state;
  if (state.upper.keptOwners !== undefined) {
    return keepOwner(state, state.upper.keptOwners, dir, name, hasDirectoryGroup, making, call);
  }
  if (call.uid === daemonUid && call.gid === daemonGid) return 0;
  const gid = hasDirectoryGroup() ? KEEP_ID : call.gid;
  const status = state.upper.changeOwner(dir, name, call.uid, gid);
  const isDirectory = (making.mode & S_IFMT) === S_IFDIR;
  if (status < 0 || isDirectory || (making.mode & SET_ID_BITS) === 0) return status;
  // chown(2) took them off.
  if (state.upper.statAt(dir, name) < 0) return 0;
  return chmodAt(dir, name, ((state.upper.stat[Stat.mode] as number) & 0o7777) | (making.mode & SET_ID_BITS));
}

/** The same where owners are kept aside, and what a set-group-ID directory gives too. */
function keepOwner(
  { upper }: OverlayState,
  keptOwners: KeptOwners,
  dir: number,
  name: Uint8Array,
  hasDirectoryGroup: () => boolean,
  making: NewInode,
  call: Call,
): Status {
  let gid = call.gid;
  let special = making.mode & 0o7000;
  if (hasDirectoryGroup()) {
    gid = upper.stat[Stat.gid] as number;
    if ((making.mode & S_IFMT) === S_IFDIR) special |= S_ISGID;
  }
  return upper.asOwner(dir, name, () => keptOwners.own(dir, name, call.uid, gid, special));
}

export function removeMade(dir: number, name: Uint8Array, making: Making): void {
  closeMade(making);
  if ((making.mode & S_IFMT) === S_IFDIR) rmdirAt(dir, name);
  else unlinkAt(dir, name);
}

function closeMade(making: Making): void {
  if (making.fd >= 0) closeSync(making.fd);
  making.fd = -1;
}

/** The new inode, of which `upper.stat` tells, in its directory. `type`: S_IFMT bits that it shows. */
export function register(state: OverlayState, directory: DirectoryInode, name: string, type: number): Inode {
  const upperIno = state.upper.stat[Stat.ino] as number;
  if (type === S_IFDIR) {
    const made = state.inodes.addDirectory(-1, upperIno, directory, name);
    made.hasUpperDirectory = true;
    directory.add(name, true, made);
    return made;
  }
  const inode = state.inodes.addUpper(type, upperIno);
  state.inodes.addName(inode, { directory, name }, upperIno);
  directory.add(name, false, inode);
  return inode;
}

/** A new regular file without a name, and its descriptor, open for both, which is the caller's. */
export function makeTmpfile(
  state: OverlayState,
  directory: DirectoryInode,
  making: NewInode,
  call: Call,
): { readonly inode: Inode; readonly fd: number } | number {
  if (directory.isRemoved) return -ENOENT;
  const copied = copyUpDirectory(state, directory);
  if (copied < 0) return copied;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const fd = tmpfileAt(dir, state.upper.newFileFlags, storedMode(state, making.mode & 0o7777), making.umask);
  if (fd < 0) return fd;
  const upperFd = reopen(fd, O_PATH);
  let status = Math.min(upperFd, 0);
  if (status === 0) status = own(state, fd, NO_NAME, isSetgid(state, dir), making, call);
  if (status === 0) status = state.upper.statAt(fd, NO_NAME);
  if (status < 0) {
    closeSync(fd);
    if (upperFd >= 0) closeSync(upperFd);
    return status;
  }
  const inode = state.inodes.addUpper(S_IFREG, state.upper.stat[Stat.ino] as number);
  inode.upperFd = upperFd;
  return { inode, fd };
}
