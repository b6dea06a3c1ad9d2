// Makes inodes: create, mkdir, mknod, symlink.
//
// Where nothing stands in the upper they are made in place: the upper's own file system applies set-group-ID of the
// directory, its default ACL, or the umask. Over a whiteout they are made in the work directory (make-staged.ts) and take its
// place in one step; a directory then becomes opaque. So is a character device 0:0, which the upper has in two steps.
import { closeSync } from 'node:fs';
import { Stat, reopen, tmpfileAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, ENAMETOOLONG, ENOENT, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { NAME_MAX, latin1Of } from '../../vfs/names.ts';
import type { Call, NewInode } from '../../vfs/operation.ts';
import { isAufsName } from '../upper/aufs-form.ts';
import { copyUpDirectory } from '../copy-up/copy-up-directory.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { type NewFile, closeMade, isSetgid, makeFile, own, removeMade, storedMode } from './make-file.ts';
import { makeStaged } from './make-staged.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, markHolder } from './shown-whiteout.ts';
import { NO_NAME, O_PATH } from '../upper/upper.ts';

/** A new inode; a regular file's descriptor is left in `making.fd`. Or a negative errno, and nothing is changed. */
export function makeInode(
  state: OverlayState,
  directory: DirectoryInode,
  name: Uint8Array,
  making: NewFile,
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

function makeInPlace(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  making: NewFile,
  call: Call,
): Status {
  const made = makeFile(state, dir, name, making);
  if (made < 0) return made;
  const status = own(state, dir, name, isSetgid(state, dir), making, call);
  if (status < 0) removeMade(dir, name, making);
  return status;
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
