// Recovery of W/work: removes the files that a killed daemon has left there.
//
// One kind of file is not removed: a copy of an inode with several names that already has some of these names in the upper.
// Earlier versions left such files. Since all names must lead to one file, it becomes an entry of W/stratafs-links, and
// recoverSharedCopies creates the missing links.
import { closeSync } from 'node:fs';
import { listNames, openAt, rmdirAt, unlinkAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { emptyDirectory } from '../upper/empty-directory.ts';
import { decodeOrigin } from '../../overlayfs-format/origin.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import { moveToEntries } from './shared-entries.ts';
import { INCOMPAT_NAME } from '../upper/volatile-mark.ts';

/** Returns 0, or the negative errno of a file that can't be removed. */
export function clearWorkDirectory(parts: CopyUpParts): Status {
  const { workFd } = parts.upper;
  const list = listNames(workFd);
  if (typeof list === 'number') return list;
  for (const { name } of unpackNames(list)) {
    if (name.toString('latin1') === INCOMPAT_NAME) continue;
    const moved = keepSharedCopy(parts, name);
    const status = moved < 0 ? moved : removeTree(parts, workFd, name);
    if (status < 0 && status !== -ENOENT) return status;
  }
  return 0;
}

/** Moves a copy of an inode with several names to W/stratafs-links. Does nothing if the file is another one. */
function keepSharedCopy(parts: CopyUpParts, name: Buffer): Status {
  const { upper } = parts;
  const stat = upper.statStoredAt(upper.workFd, name);
  if (typeof stat === 'number') return stat;
  if ((stat.mode & S_IFMT) === S_IFDIR || stat.nlink < 2) return 0;
  if (!upper.followsMarks(upper.workFd, name)) return 0;
  const marks = upper.marks.read(upper.workFd, name);
  if (typeof marks === 'number' || marks.origin === undefined) return 0;
  const lower = decodeOrigin(upper.identity, marks.origin);
  if (lower < 0 || lower >= parts.tree.inodeCount || parts.tree.isDirectory(lower)) return 0;
  if (parts.tree.linkCountOf(lower) < 2) return 0;
  return moveToEntries(parts, upper.workFd, name, lower);
}

/** Removes a file, or a directory tree of any depth: another user may have put it there. */
function removeTree(parts: CopyUpParts, dir: number, name: Uint8Array): Status {
  const { upper } = parts;
  const stat = upper.statStoredAt(dir, name);
  if (typeof stat === 'number') return stat;
  if ((stat.mode & S_IFMT) !== S_IFDIR) return unlinkAt(dir, name);
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  const emptied = emptyDirectory(fd);
  closeSync(fd);
  return emptied < 0 ? emptied : rmdirAt(dir, name);
}
