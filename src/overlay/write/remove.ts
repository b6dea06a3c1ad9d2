// unlink and rmdir. If the tree has the name, a whiteout replaces the removed file in one step.
//
// An inode whose last known name goes keeps a descriptor: what is open, or is somebody's directory, goes on.
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
  const needsWhiteout = state.directories.lowerDentry(directory, name) >= 0;
  const prepared = needsWhiteout ? prepareWhiteout(state, directory, dir) : 0;
  if (prepared < 0) return prepared;
  if (!inode.hasUpper) {
    const status = state.upper.whiteouts.link(dir, name);
    if (status < 0) return status;
  } else {
    const kept = keepNameless(inode, dir, name);
    if (kept < 0) return kept;
    const status = needsWhiteout ? state.upper.whiteouts.replace(dir, name) : unlinkAt(dir, name);
    if (status < 0) {
      dropKept(inode);
      return status;
    }
  }
  takeName(state, directory, name, inode, needsWhiteout);
  return 0;
}

/** Whiteouts.prepare, which may mark the directory: that moves its ctime, also where the removal then fails. */
export function prepareWhiteout(state: OverlayState, directory: DirectoryInode, dir: number): Status {
  const wasMarked = directory.hasXattrWhiteouts;
  const status = state.upper.whiteouts.prepare(directory, dir);
  if (directory.hasXattrWhiteouts !== wasMarked) state.changed.add(directory);
  return status;
}

/** Before the last known name of an inode goes: a descriptor instead. */
export function keepNameless(inode: Inode, dir: number, name: Uint8Array): Status {
  if (inode.upperNames.length > 1 || inode.upperFd >= 0 || inode.sharedEntry !== undefined) return 0;
  const fd = openAt(dir, name, O_PATH);
  if (fd < 0) return fd;
  inode.upperFd = fd;
  return 0;
}

/** The name stayed after all. */
export function dropKept(inode: Inode): void {
  if (inode.upperNames.length === 0 || inode.upperFd < 0) return;
  closeSync(inode.upperFd);
  inode.upperFd = -1;
}

/** A name that is gone from the disk goes from memory. */
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
  const needsWhiteout = state.directories.lowerDentry(parent, name) >= 0;
  const prepared = needsWhiteout ? prepareWhiteout(state, parent, dir) : 0;
  if (prepared < 0) return prepared;
  const status = directory.hasUpperDirectory
    ? removeUpperDirectory(state, directory, dir, name, needsWhiteout)
    : state.upper.whiteouts.link(dir, name);
  if (status < 0) return status;
  forgetDirectory(state, parent, name, directory, needsWhiteout);
  return 0;
}

/** An empty directory of the upper, which may hold whiteouts, goes; a whiteout comes where one is needed. */
function removeUpperDirectory(
  state: OverlayState,
  directory: DirectoryInode,
  dir: number,
  name: Uint8Array,
  needsWhiteout: boolean,
): Status {
  const { upper } = state;
  const kept = openAt(dir, name, O_PATH);
  if (kept < 0) return kept;
  const status =
    needsWhiteout || directory.hidingNames.length > 0
      ? // Out of its parent goes only a directory that its owner may write to.
        upper.asOwner(kept, NO_NAME, () => discard(state, directory, kept, dir, name, needsWhiteout))
      : rmdirAt(dir, name);
  if (status < 0) {
    closeSync(kept);
    return status;
  }
  upper.forgetDirectory(directory);
  directory.upperFd = kept;
  return 0;
}

/** Moves the directory to the work directory, a whiteout coming in its place, and removes it there. */
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
  const made = needsWhiteout ? upper.whiteouts.link(upper.workFd, staged) : 0;
  if (made < 0) return made;
  const status = renameAt(dir, name, upper.workFd, staged, needsWhiteout ? RENAME_EXCHANGE : 0);
  if (status < 0) {
    if (needsWhiteout) unlinkAt(upper.workFd, staged);
    return status;
  }
  for (const hiding of directory.hidingNames) unlinkAt(fd, bytesOf(hiding));
  // What stands in its way (put there by others) stays for the next mount to clear.
  rmdirAt(upper.workFd, staged);
  return 0;
}

/** A directory that is gone from the disk goes from memory. */
export function forgetDirectory(
  state: OverlayState,
  parent: DirectoryInode,
  name: Uint8Array,
  directory: DirectoryInode,
  isWhiteout: boolean,
): void {
  const key = latin1Of(name);
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
