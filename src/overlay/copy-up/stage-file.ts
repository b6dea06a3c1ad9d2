// Staging: the new upper file of a lower inode, empty and without a name that shows.
import { NO_NAME, createAt, symlinkAt } from '../../sys/upper-calls.ts';
import { Attr, S_IFLNK, S_IFREG } from '../../vfs/attr.ts';
import { EOPNOTSUPP } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Inode } from '../read/inode.ts';
import { isWhiteoutDevice, makeShownWhiteout } from '../upper/shown-whiteout.ts';
import type { Place } from '../upper/upper.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

/** A file in W/work or, with an empty name, a file without a name, of which `dir` is the descriptor. */
export interface StagedFile extends Place {
  /** A regular file, open for reading and writing; else -1. */
  readonly fd: number;
}

/** On success the caller closes `fd`. On failure, a negative errno, nothing remains. */
export function stageFile(
  { tree, upper }: Pick<CopyUpParts, 'tree' | 'upper'>,
  { type, lower }: Inode,
): StagedFile | number {
  const { workFd } = upper;
  if (type === S_IFREG) {
    const fd = upper.openTmpfile();
    if (fd >= 0) return { dir: fd, name: NO_NAME, fd };
    if (fd !== -EOPNOTSUPP) return fd;
  }
  const name = upper.workNames.next();
  if (type === S_IFREG) {
    const fd = createAt(workFd, name, upper.newFileFlags, 0o600, 0);
    return fd < 0 ? fd : { dir: workFd, name, fd };
  }
  let status: Status;
  if (type === S_IFLNK) {
    status = symlinkAt(tree.readlink(lower), workFd, name);
  } else {
    const attr = new Attr();
    tree.readAttr(lower, attr);
    status = isWhiteoutDevice(attr.mode, attr.rdev)
      ? makeShownWhiteout(upper.marks, workFd, name, 0o600, 0)
      : upper.owners.makeNode(workFd, name, type | 0o600, attr.rdev, 0);
  }
  return status < 0 ? status : { dir: workFd, name, fd: -1 };
}
