// Before a name moves: what the upper must say so that it is found again: redirect, opaque, or nothing.
import { NO_NAME } from '../../sys/upper-calls.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { E2BIG, ENOSPC, ERANGE, EXDEV } from '../../vfs/errno.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { DirectoryInode as Directory } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { LOST_DATA, UPPER_DATA } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { isShownWhiteout, markHolder } from '../upper/shown-whiteout.ts';
import { bytesOf } from '../../vfs/names.ts';

/**
 * `inode`, which has an upper file, is about to get a name in `parent`, where the tree may have the same
 * (`hidesLower`): marks both as that needs. `parent` has an upper directory. -EXDEV where its lower names can't follow it.
 */
export function prepareMove(
  state: OverlayState,
  inode: Inode,
  parent: DirectoryInode,
  hidesLower: boolean,
): Status {
  state.changed.add(inode);
  state.changed.add(parent);
  let status = inode.lower >= 0 ? state.upper.markImpure(parent) : 0;
  if (status === 0 && isShownWhiteout(state.upper, inode)) status = markHolder(state.upper, parent);
  if (status < 0) return status;
  if (inode instanceof Directory) return prepareDirectory(state, inode, parent, hidesLower);
  if (inode.dataInode === UPPER_DATA || inode.dataInode === LOST_DATA) return 0;
  const place = state.upper.placeOf(inode);
  if (typeof place === 'number') return place;
  const path = bytesOf(state.names.pathOf(inode.dataInode));
  return asMove(state.upper.marks.set(place.dir, place.name, 'redirect', path));
}

function prepareDirectory(
  state: OverlayState,
  directory: DirectoryInode,
  parent: DirectoryInode,
  hidesLower: boolean,
): Status {
  const fd = state.upper.directoryFd(directory);
  if (fd < 0) return fd;
  if (directory.lower < 0) {
    if (!hidesLower || directory.isOpaque) return 0;
    const status = state.upper.marks.setOpaque(fd, NO_NAME);
    if (status === 0) directory.isOpaque = true;
    return status;
  }
  if (!state.upper.usesRedirect) return -EXDEV;
  const isSibling = state.tree.parentOf(directory.lower) === parent.lower;
  const path = state.names.pathOf(directory.lower);
  const redirect = isSibling ? path.slice(path.lastIndexOf('/') + 1) : path;
  return asMove(state.upper.marks.set(fd, NO_NAME, 'redirect', bytesOf(redirect)));
}

/** A path that no xattr can hold: who moves the directory copies it instead, as `mv` does. */
function asMove(status: Status): Status {
  return status === -ERANGE || status === -E2BIG || status === -ENOSPC ? -EXDEV : status;
}
