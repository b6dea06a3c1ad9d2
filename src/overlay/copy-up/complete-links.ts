// Keeps one file with several names one file, whoever wrote the upper.
//
// Kernel overlayfs (index=on) copies up one name of a hard-linked lower inode, and finds the others by W/index. Here
// each name has a link. So where W/index has entries, each upper directory is looked through when mounting, and each lower inode that
// was copied under one of its names gets the copy under all that still show. What is shown does not change by it.
import { closeSync } from 'node:fs';
import { listNames, openAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import type { OverlayState } from '../write/overlay-state.ts';
import { shareCopy } from './shared-copies.ts';

const INDEX = bytesOf('index');

/** `baseFd`: W. 0, or a negative errno. */
export function completeIndexedLinks(state: OverlayState, baseFd: number): Status {
  const index = openAt(baseFd, INDEX, DIRECTORY_FLAGS);
  if (index < 0) return index === -ENOENT ? 0 : index;
  const names = listNames(index);
  closeSync(index);
  if (typeof names === 'number') return names;
  return names.length === 0 ? 0 : completeTree(state);
}

function completeTree(state: OverlayState): Status {
  const pending = [state.root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const status = state.directories.load(directory);
    if (status < 0) return status;
    for (const inode of state.directories.upperInodes(directory)) {
      if (inode instanceof DirectoryInode) {
        if (inode.hasUpperDirectory) pending.push(inode);
      } else if (inode.lower >= 0 && state.tree.linkCountOf(inode.lower) > 1) {
        const place = state.upper.placeOf(inode);
        const linked = typeof place === 'number' ? place : shareCopy(state, inode, place);
        if (linked < 0) return linked;
      }
    }
  }
  return 0;
}
