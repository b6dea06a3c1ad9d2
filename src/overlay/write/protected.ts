// chattr +i and +a: no name leaves an immutable or append-only directory, and no name of such a file or directory is removed.
//
// The upper's file system refuses that itself for its own flags, with two exceptions: it doesn't know names that only the tree
// has, and it is not asked where another check fails first. may_delete (fs/namei.c) checks the flags before it asks whether a
// directory is empty.
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
  // On an error the requested call goes on, and fails with its own errno.
  return typeof stat !== 'number' && stat.isProtected;
}
