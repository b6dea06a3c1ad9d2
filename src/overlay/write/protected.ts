// chattr +i and +a: a name can't be removed from an immutable or append-only directory, and such a file or directory can't lose
// a name.
//
// The upper's file system enforces its own flags, except in two cases: it doesn't know names that only the tree has, and another
// check may fail before it is called. may_delete (fs/namei.c) checks the flags before it checks whether a directory is empty.
import { EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { upperPlace } from './set-attributes.ts';

/** -EPERM if any of the inodes is immutable or append-only; else 0. */
export function refuseProtected(state: OverlayState, ...inodes: readonly Inode[]): Status {
  return inodes.some((inode) => isProtected(state, inode)) ? -EPERM : 0;
}

function isProtected(state: OverlayState, inode: Inode): boolean {
  if (inode.protection !== 0) return true;
  if (!hasUpperFile(inode)) return false;
  const place = upperPlace(state, inode);
  const stat = typeof place === 'number' ? place : state.upper.statStoredAt(place.dir, place.name);
  // An error is ignored here: the requested call then fails with its own errno.
  return typeof stat !== 'number' && stat.isProtected;
}
