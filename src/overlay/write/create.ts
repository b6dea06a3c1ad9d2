// Creates inodes: create, mkdir, mknod, symlink, tmpfile.
//
// If the name is free in the upper, the file is created in place: the upper's file system applies the directory's set-group-ID bit
// and default ACL, or the umask. If the upper has a whiteout there, the file is created in the work directory (make-staged.ts) and
// replaces the whiteout in one step; a directory is then opaque. A character device 0:0, which the upper stores as a marked
// file, is staged too.
import { closeSync } from 'node:fs';
import type { FileStat } from '../../sys/stat-at.ts';
import { NO_NAME, O_PATH, reopen, tmpfileAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, ENAMETOOLONG, ENOENT, EPERM } from '../../vfs/errno.ts';
import type { Entry, Status } from '../../vfs/filesystem.ts';
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

/** A new inode, and its upper file. */
export interface MadeInode {
  readonly inode: Inode;
  /** As in MadeFile. */
  readonly fd: number;
  /** The attributes that the mount shows, or a negative errno. */
  readonly shown: FileStat | number;
}

/** Creates a file under a name that must be free. If it returns a negative errno, nothing was created. */
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
  const newFile = status < 0 ? status : make(state, dir, name, file, call);
  // After an error the directory's times may have changed: the name may have existed for a moment.
  if (typeof newFile === 'number') {
    state.changed.add(directory);
    return newFile;
  }
  const { fd } = newFile;
  const stat = newFile.stat ?? state.upper.statStoredAt(dir, name);
  if (typeof stat === 'number') {
    state.changed.add(directory);
    if (fd >= 0) closeSync(fd);
    return stat;
  }
  directory.whiteouts.delete(key);
  const inode = register(state, directory, key, file.mode & S_IFMT, stat.ino);
  return { inode, fd, shown: state.upper.owners.show(dir, name, stat) };
}

/** Fills `out` with a new inode, which counts as a lookup. */
export function answerMade(state: OverlayState, { inode, shown }: MadeInode, out: Entry): Status {
  if (typeof shown === 'number') return shown;
  state.attributes.show(inode, shown, out.attr);
  out.nodeId = inode.nodeId;
  out.generation = 0;
  inode.countLookup();
  return 0;
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
  const newFile = makeFile(state, dir, name, file);
  if (typeof newFile === 'number' || state.upper.owners.ownsNew(call)) return newFile;
  const status = giveToCaller(state, dir, name, file, call, () => groupFrom(state, dir));
  if (status === 0) return { fd: newFile.fd };
  removeMade(dir, name, file, newFile);
  return status;
}

/** Adds a new upper file to its directory. `type`: S_IFMT bits that the mount shows; `upperIno`: inode number in the upper. */
export function register(
  state: OverlayState,
  directory: DirectoryInode,
  name: string,
  type: number,
  upperIno: number,
): Inode {
  if (type === S_IFDIR) {
    state.upperRows.removeAll();
    const newDirectory = state.inodes.addDirectory(-1, upperIno, directory, name);
    newDirectory.hasUpperDirectory = true;
    directory.add(name, true, newDirectory);
    return newDirectory;
  }
  const inode = state.inodes.addUpper(type, upperIno);
  state.inodes.addName(inode, { directory, name }, upperIno);
  directory.add(name, false, inode);
  return inode;
}

/** Creates a regular file without a name (O_TMPFILE). The caller closes its descriptor, which is open for reading and writing. */
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
  return { inode, fd, shown: state.upper.owners.show(fd, NO_NAME, stat) };
}
