// CopyUp of directories: each is made in the work directory and renamed into place, parents first.
import { closeSync } from 'node:fs';
import { NO_NAME, O_PATH, mkdirAt, openAt, renameAt, rmdirAt, utimensAt } from '../../sys/upper-calls.ts';
import { EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { convertAufsMarkers, needsConversion } from '../upper/aufs-conversion.ts';
import { copyMetadata } from './copy-metadata.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

/**
 * Makes sure that a loaded directory and all above it have upper directories, itself in the kernel's form. Their times
 * stay as they were.
 */
export function copyUpDirectory(state: CopyUpParts, directory: DirectoryInode): Status {
  if (directory.hasUpperDirectory) return settle(state, directory);
  const { parent, name, lower } = directory;
  if (parent === undefined) return -EPERM;
  const above = copyUpDirectory(state, parent);
  if (above < 0) return above;
  const { upper } = state;
  const staged = upper.workNames.next();
  const made = mkdirAt(upper.workFd, staged, 0o700, 0);
  if (made < 0) return made;
  let status = copyMetadata(state, lower, upper.workFd, staged);
  if (status === 0) status = upper.markImpure(parent);
  const stat = status === 0 ? upper.statStoredAt(upper.workFd, staged) : status;
  status = typeof stat === 'number' ? stat : placeDirectory(state, parent, staged, bytesOf(name));
  if (status < 0 || typeof stat === 'number') {
    rmdirAt(upper.workFd, staged);
    return status;
  }
  directory.hasUpperDirectory = true;
  directory.upperIno = stat.ino;
  state.changed.add(directory);
  return 0;
}

function settle(state: CopyUpParts, directory: DirectoryInode): Status {
  if (!needsConversion(directory)) return 0;
  const hasLower = (name: Uint8Array): boolean => state.directories.lowerDentry(directory, name) >= 0;
  return keepingTimes(state, directory, (dir) => convertAufsMarkers(state.upper, directory, dir, hasLower));
}

/** Moves a staged directory, which its owner may have no right to write to, where it is to appear. */
function placeDirectory(
  state: CopyUpParts,
  parent: DirectoryInode,
  staged: Uint8Array,
  name: Uint8Array,
): Status {
  const { upper } = state;
  const fd = openAt(upper.workFd, staged, O_PATH);
  if (fd < 0) return fd;
  const status = upper.asOwner(fd, NO_NAME, () =>
    keepingTimes(state, parent, (dir) => renameAt(upper.workFd, staged, dir, name, 0)),
  );
  closeSync(fd);
  return status;
}

/** Runs `change` on the upper directory; atime and mtime of the directory are afterwards what they were. */
export function keepingTimes(
  state: CopyUpParts,
  directory: DirectoryInode,
  change: (dir: number) => Status,
): Status {
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const before = state.upper.statStoredAt(dir, NO_NAME);
  if (typeof before === 'number') return before;
  state.changed.add(directory);
  const status = state.upper.asOwner(dir, NO_NAME, () => change(dir));
  if (status === 0)
    utimensAt(dir, NO_NAME, before.atimeSec, before.atimeNsec, before.mtimeSec, before.mtimeNsec);
  return status;
}
