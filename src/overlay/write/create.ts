// Makes inodes: create, mkdir, mknod, symlink.
//
// If the upper has nothing at the name they are made in place: the upper's own file system applies set-group-ID of the
// directory, its default ACL, or the umask. Over a whiteout they are made in the work directory (make-staged.ts) and take its
// place in one step; a directory then becomes opaque. So is a character device 0:0, which the upper has in two steps.
import { closeSync } from 'node:fs';
import { NO_NAME, O_PATH, reopen, tmpfileAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, ENAMETOOLONG, ENOENT, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { NAME_MAX, latin1Of } from '../../vfs/names.ts';
import type { Call, NewInode } from '../../vfs/operation.ts';
import { copyUpDirectory } from '../copy-up/upper-directories.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { type MadeFile, type NewFile, giveToCaller, groupFrom, makeFile, removeMade } from './make-file.ts';
import { makeStaged } from './make-staged.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseNewName } from './protection.ts';
import { isWhiteoutDevice, markHolder } from '../upper/shown-whiteout.ts';

/** A new inode, and its file. */
export interface MadeInode extends MadeFile {
  readonly inode: Inode;
}

/** A new file under a name that nothing has. On a negative errno nothing is changed. */
export function makeInode(
  state: OverlayState,
  directory: DirectoryInode,
  name: Uint8Array,
  file: NewFile,
  call: Call,
): MadeInode | number {
  let status = refuse(state, directory, name);
  if (status === 0) status = copyUpDirectory(state, directory);
  if (status < 0) return status;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const key = latin1Of(name);
  const isShown = isWhiteoutDevice(file.mode, file.rdev);
  if (isShown) status = markHolder(state.upper, directory);
  const make = isShown || directory.whiteouts.has(key) ? makeStaged : makeInPlace;
  const made = status < 0 ? status : make(state, dir, name, file, call);
  // On an error the name may have been there for a moment, which moved the directory's times.
  if (typeof made === 'number') {
    state.changed.add(directory);
    return made;
  }
  const stat = state.upper.statStoredAt(dir, name);
  if (typeof stat === 'number') {
    state.changed.add(directory);
    if (made.fd >= 0) closeSync(made.fd);
    return stat;
  }
  directory.whiteouts.delete(key);
  return { inode: register(state, directory, key, file.mode & S_IFMT, stat.ino), fd: made.fd };
}

function refuse(state: OverlayState, directory: DirectoryInode, name: Uint8Array): Status {
  if (directory.isRemoved) return -ENOENT;
  if (name.length > NAME_MAX) return -ENAMETOOLONG;
  if (state.upper.names.isReserved(name)) return -EPERM;
  const found = state.directories.find(directory, name);
  if (found === -ENOENT) return refuseNewName(directory);
  return found < 0 ? found : -EEXIST;
}

function makeInPlace(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  file: NewFile,
  call: Call,
): MadeFile | number {
  const made = makeFile(state, dir, name, file);
  if (typeof made === 'number') return made;
  const status = giveToCaller(state, dir, name, file, call, () => groupFrom(state, dir));
  if (status === 0) return made;
  removeMade(dir, name, file, made);
  return status;
}

/** Adds a new upper file to its directory. `type`: S_IFMT bits that it shows; `upperIno`: its inode number in the upper. */
export function register(
  state: OverlayState,
  directory: DirectoryInode,
  name: string,
  type: number,
  upperIno: number,
): Inode {
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
  file: NewInode,
  call: Call,
): MadeInode | number {
  if (directory.isRemoved) return -ENOENT;
  const refused = refuseNewName(directory);
  if (refused < 0) return refused;
  const copied = copyUpDirectory(state, directory);
  if (copied < 0) return copied;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const fd = tmpfileAt(
    dir,
    state.upper.newFileFlags,
    state.upper.owners.creationMode(file.mode & 0o7777),
    file.umask,
  );
  if (fd < 0) return fd;
  const upperFd = reopen(fd, O_PATH);
  const status =
    upperFd < 0 ? upperFd : giveToCaller(state, fd, NO_NAME, file, call, () => groupFrom(state, dir));
  const stat = status < 0 ? status : state.upper.statStoredAt(fd, NO_NAME);
  if (typeof stat === 'number') {
    closeSync(fd);
    if (upperFd >= 0) closeSync(upperFd);
    return stat;
  }
  const inode = state.inodes.addUpper(S_IFREG, stat.ino);
  inode.upperFd = upperFd;
  return { inode, fd };
}
