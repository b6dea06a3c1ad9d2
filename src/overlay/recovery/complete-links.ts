// Recovery of hard links in an upper that kernel overlayfs has written.
//
// With index=on the kernel copies up one name of a hard-linked lower inode, and finds the copy for the other names through
// W/index. In stratafs each name has its own link to the copy. So if W/index has entries, all upper directories are read, and
// each copy of a hard-linked lower inode gets a link under every name that still shows. The mount shows the same tree as before.
import { closeSync } from 'node:fs';
import { listNames, openAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import { shareCopy } from './shared-entries.ts';

const INDEX = bytesOf('index');

/** Returns 0 or a negative errno. */
export function completeIndexedLinks(parts: CopyUpParts, root: DirectoryInode): Status {
  const index = openAt(parts.upper.baseFd, INDEX, DIRECTORY_FLAGS);
  if (index < 0) return index === -ENOENT ? 0 : index;
  const names = listNames(index);
  closeSync(index);
  if (typeof names === 'number') return names;
  return names.length === 0 ? 0 : completeTree(parts, root);
}

function completeTree(parts: CopyUpParts, root: DirectoryInode): Status {
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const status = parts.directories.load(directory);
    if (status < 0) return status;
    for (const inode of parts.directories.upperInodes(directory)) {
      if (inode instanceof DirectoryInode) {
        if (inode.hasUpperDirectory) pending.push(inode);
      } else if (inode.lower >= 0 && parts.tree.linkCountOf(inode.lower) > 1) {
        const place = parts.upper.placeOf(inode);
        const linked = typeof place === 'number' ? place : shareCopy(parts, inode, place);
        if (linked < 0) return linked;
      }
    }
  }
  return 0;
}
