// unlink and rmdir. If the tree has the name, a whiteout replaces the removed file in one step.
//
// An inode that loses its last known name gets a descriptor first, because it may be open, or be a current directory.
import { closeSync } from 'node:fs';
import {
  NO_NAME,
  O_PATH,
  openAt,
  renameAt,
  rmdirAt,
  unlinkAt,
  RENAME_EXCHANGE,
} from '../../sys/upper-calls.ts';
import { S_IFDIR } from '../../vfs/attr.ts';
import { EISDIR, ENOTEMPTY } from '../../vfs/errno.ts';
import type { NodeId, Status } from '../../vfs/filesystem.ts';
import { copyUpDirectory } from '../copy-up/upper-directories.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseProtected } from './protected.ts';
import { refuseMarked } from './protection.ts';
import { countLostName } from '../copy-up/shared-copies.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';

export function unlink(state: OverlayState, directory: DirectoryInode, name: Uint8Array): Status {
  const node = state.directories.find(directory, name);
  if (node < 0) return node;
  const inode = state.directories.getInode(node as NodeId);
  if (typeof inode === 'number') return inode;
  if (inode.type === S_IFDIR) return -EISDIR;
  const refused = inode.hasUpper ? refuseMarked(directory, inode) : refuseProtected(state, directory, inode);
  if (refused < 0) return refused;
  const copied = copyUpDirectory(state, directory);
  if (copied < 0) return copied;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const needsWhiteout = state.directories.needsWhiteout(directory, name);
  const prepared = needsWhiteout ? prepareWhiteout(state, directory, dir) : 0;
  if (prepared < 0) return prepared;
  if (!inode.hasUpper) {
    const status = state.upper.whiteouts.link(dir, name);
    if (status < 0) return status;
  } else {
    const opened = keepNameless(inode, dir, name);
    if (opened < 0) return opened;
    const status = needsWhiteout ? state.upper.whiteouts.replace(dir, name) : unlinkAt(dir, name);
    if (status < 0) {
      dropKept(inode);
      return status;
    }
  }
  takeName(state, directory, name, inode, needsWhiteout);
  return 0;
}

/** Calls Whiteouts.prepare. If that marks the directory, its ctime changes, even if the removal fails afterwards. */
export function prepareWhiteout(state: OverlayState, directory: DirectoryInode, dir: number): Status {
  const wasMarked = directory.hasXattrWhiteouts;
  const status = state.upper.whiteouts.prepare(directory, dir);
  if (directory.hasXattrWhiteouts !== wasMarked) state.changed.add(directory);
  return status;
}

/** Must be called before a name of an inode is removed: if it is the last known one, opens a descriptor. */
export function keepNameless(inode: Inode, dir: number, name: Uint8Array): Status {
  if (inode.upperNames.length > 1 || inode.upperFd >= 0 || inode.sharedEntry !== undefined) return 0;
  const fd = openAt(dir, name, O_PATH);
  if (fd < 0) return fd;
  inode.upperFd = fd;
  return 0;
}

/** Undoes keepNameless if the name could not be removed. */
export function dropKept(inode: Inode): void {
  if (inode.upperNames.length === 0 || inode.upperFd < 0) return;
  closeSync(inode.upperFd);
  inode.upperFd = -1;
}

/** Removes a name from memory after it was removed on disk. */
export function takeName(
  state: OverlayState,
  directory: DirectoryInode,
  name: Uint8Array,
  inode: Inode,
  isWhiteout: boolean,
): void {
  const key = latin1Of(name);
  if (isWhiteout) directory.whiteouts.add(key);
  if (inode.hasUpper) state.inodes.removeName(inode, directory, key);
  else inode.lostNames++;
  countLostName(state, inode);
  if (!directory.remove(key)) {
    const dentry = state.directories.lowerDentry(directory, name);
    if (dentry >= 0) state.directories.hide(directory, dentry);
  }
  state.inodes.dropIfUnused(inode);
}

export function rmdir(state: OverlayState, parent: DirectoryInode, name: Uint8Array): Status {
  const node = state.directories.find(parent, name);
  if (node < 0) return node;
  const directory = state.directories.get(node as NodeId);
  if (typeof directory === 'number') return directory;
  const isEmpty = state.directories.isEmpty(directory);
  const refused =
    isEmpty && directory.hasUpperDirectory
      ? refuseMarked(parent, directory)
      : refuseProtected(state, parent, directory);
  if (refused < 0) return refused;
  if (!isEmpty) return -ENOTEMPTY;
  const copied = copyUpDirectory(state, parent);
  if (copied < 0) return copied;
  const dir = state.upper.directoryFd(parent);
  if (dir < 0) return dir;
  const needsWhiteout = state.directories.needsWhiteout(parent, name);
  const prepared = needsWhiteout ? prepareWhiteout(state, parent, dir) : 0;
  if (prepared < 0) return prepared;
  const status = directory.hasUpperDirectory
    ? removeUpperDirectory(state, directory, dir, name, needsWhiteout)
    : state.upper.whiteouts.link(dir, name);
  if (status < 0) return status;
  forgetDirectory(state, parent, name, directory, needsWhiteout);
  return 0;
}

/** Removes an empty directory, which may hold whiteouts, from the upper. If needed, a whiteout replaces it. */
function removeUpperDirectory(
  state: OverlayState,
  directory: DirectoryInode,
  dir: number,
  name: Uint8Array,
  needsWhiteout: boolean,
): Status {
  const { upper } = state;
  const fd = openAt(dir, name, O_PATH);
  if (fd < 0) return fd;
  const status =
    needsWhiteout || directory.hidingNames.length > 0
      ? // rename(2) to another parent needs write permission on the directory itself.
        upper.asOwner(fd, NO_NAME, () => discard(state, directory, fd, dir, name, needsWhiteout))
      : rmdirAt(dir, name);
  if (status < 0) {
    closeSync(fd);
    return status;
  }
  upper.forgetDirectory(directory);
  directory.upperFd = fd;
  return 0;
}

/** Moves the directory to the work directory and removes it there. With `needsWhiteout`, exchanges it with a whiteout. */
function discard(
  state: OverlayState,
  directory: DirectoryInode,
  fd: number,
  dir: number,
  name: Uint8Array,
  needsWhiteout: boolean,
): Status {
  const { upper } = state;
  const staged = upper.workNames.next();
  const linked = needsWhiteout ? upper.whiteouts.link(upper.workFd, staged) : 0;
  if (linked < 0) return linked;
  const status = renameAt(dir, name, upper.workFd, staged, needsWhiteout ? RENAME_EXCHANGE : 0);
  if (status < 0) {
    if (needsWhiteout) unlinkAt(upper.workFd, staged);
    return status;
  }
  for (const hiding of directory.hidingNames) unlinkAt(fd, bytesOf(hiding));
  // This fails if another program has put files there. The next mount then removes the directory.
  rmdirAt(upper.workFd, staged);
  return 0;
}

/** Removes a directory from memory after it was removed on disk. */
export function forgetDirectory(
  state: OverlayState,
  parent: DirectoryInode,
  name: Uint8Array,
  directory: DirectoryInode,
  isWhiteout: boolean,
): void {
  const key = latin1Of(name);
  state.upperRows.removeAll();
  if (isWhiteout) parent.whiteouts.add(key);
  directory.isRemoved = true;
  directory.parent = undefined;
  for (const hiding of directory.hidingNames) directory.dropHidingName(hiding);
  if (!parent.remove(key)) {
    const dentry = state.directories.lowerDentry(parent, name);
    if (dentry >= 0) state.directories.hide(parent, dentry);
  }
  state.inodes.dropIfUnused(directory);
}
