// Sets the marks that an upper file needs before it is renamed: overlay.redirect, overlay.opaque, or none.
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
 * Must be called before `inode`, which has an upper file, gets a name in `parent`, which has an upper directory: marks both.
 * `hidesLower`: the tree has the same name in `parent`. -EXDEV for a directory whose lower names can't be redirected.
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

/** Turns the errors for a path that is too long for an xattr into -EXDEV: mv(1) then copies the directory. */
function asMove(status: Status): Status {
  return status === -ERANGE || status === -E2BIG || status === -ENOSPC ? -EXDEV : status;
}
