// Recovery of hard links in an upper that kernel overlayfs has written.
//
// With index=on the kernel copies up one name of a hard-linked lower inode, and finds the copy for the other names through
// W/index. In stratafs each name has its own link to the copy. So if W/index has entries, all upper directories are read, and
// each copy of a hard-linked lower inode gets a link under every name that still shows. The mount shows the same tree as before.
// Then the entry in W/index has nothing to find any more. It is removed: it counts as a link of the file, for us and, once a name
// is removed here, for the kernel too, which keeps its count relative to the lower file (P`nlink`).
import { closeSync } from 'node:fs';
import { encodeOrigin } from '../../overlayfs-format/origin.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { DIRECTORY_FLAGS, listNames, openAt, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFMT } from '../../vfs/attr.ts';
import { ENODATA, ENOENT } from '../../vfs/errno.ts';
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
  try {
    const names = listNames(index);
    if (typeof names === 'number') return names;
    if (names.length === 0) return 0;
    const completed = new Map<number, number>();
    const status = completeTree(parts, root, completed);
    return status < 0 ? status : dropEntries(parts, index, unpackNames(names), completed);
  } finally {
    closeSync(index);
  }
}

/** Adds to `completed`, by inode number in the upper, the tree's inodes whose copies have links under all names. */
function completeTree(parts: CopyUpParts, root: DirectoryInode, completed: Map<number, number>): Status {
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const status = parts.directories.load(directory);
    if (status < 0) return status;
    for (const inode of parts.directories.upperInodes(directory)) {
      if (inode instanceof DirectoryInode) {
        if (inode.hasUpperDirectory) pending.push(inode);
      } else if (inode.lower >= 0 && parts.tree.linkCountOf(inode.lower) > 1) {
        const place = parts.upper.placeOf(inode);
        if (typeof place === 'number') return place;
        const linked = shareCopy(parts, inode, place);
        if (linked < 0) return linked;
        if (inode.sharedEntry !== undefined) continue;
        const stat = parts.upper.statStoredAt(place.dir, place.name);
        if (typeof stat === 'number') return stat;
        completed.set(stat.ino, inode.lower);
      }
    }
  }
  return 0;
}

/**
 * Removes the index entries of `completed` copies. The kernel refuses a copy whose origin it can read and that has no entry
 * (EIO), so the origin is made ours first, which it ignores.
 */
function dropEntries(
  { upper }: CopyUpParts,
  index: number,
  names: Iterable<{ readonly name: Uint8Array }>,
  completed: ReadonlyMap<number, number>,
): Status {
  for (const { name: packed } of names) {
    const name = Buffer.from(packed);
    const stat = upper.statStoredAt(index, name);
    if (typeof stat === 'number') continue;
    const lower = completed.get(stat.ino);
    if (lower === undefined || !upper.marks.canMark(stat.mode & S_IFMT)) continue;
    const marked = upper.marks.set(index, name, 'origin', encodeOrigin(upper.identity, lower));
    if (marked < 0) return marked;
    const uncounted = upper.marks.remove(index, name, 'nlink');
    if (uncounted < 0 && uncounted !== -ENODATA) return uncounted;
    const removed = unlinkAt(index, name);
    if (removed < 0) return removed;
  }
  return 0;
}
