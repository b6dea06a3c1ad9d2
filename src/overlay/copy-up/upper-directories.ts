// Upper directories of a copy-up. A directory is made in the work directory and renamed to its name, parents first. Then a
// copy gets its name in it.
import { closeSync } from 'node:fs';
import { NO_NAME, O_PATH, openAt, rmdirAt, utimensAt } from '../../sys/upper-calls.ts';
import { linkKeepingTimes, makeNewDirectory, renameKeepingTimes } from '../../sys/upper-fill.ts';
import { Attr } from '../../vfs/attr.ts';
import { EACCES, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { VisibleName } from '../read/visible-names.ts';
import { convertAufsMarkers, needsConversion } from '../upper/aufs-conversion.ts';
import { isWhiteoutDevice, markHolder } from '../upper/shown-whiteout.ts';
import type { Place } from '../upper/upper.ts';
import { metadataOf } from './copy-metadata.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

/** Adds the name to the file at `place`. -EEXIST if the upper has the name. */
export function linkCopy(parts: CopyUpParts, lower: number, place: Place, target: VisibleName): Status {
  const prepared = prepareDirectory(parts, lower, target.directory);
  if (prepared < 0) return prepared;
  return changeNames(parts, target.directory, (dir) =>
    linkKeepingTimes(place.dir, place.name, dir, bytesOf(target.name)),
  );
}

/** Moves the file from `place` to the name. */
export function moveCopy(parts: CopyUpParts, lower: number, place: Place, target: VisibleName): Status {
  const prepared = prepareDirectory(parts, lower, target.directory);
  if (prepared < 0) return prepared;
  return changeNames(parts, target.directory, (dir) =>
    renameKeepingTimes(place.dir, place.name, dir, bytesOf(target.name)),
  );
}

/** The directory exists in the upper, and is marked for what it is going to hold. */
function prepareDirectory(parts: CopyUpParts, lower: number, directory: DirectoryInode): Status {
  let status = copyUpDirectory(parts, directory);
  if (status === 0) status = parts.upper.markImpure(directory);
  if (status < 0) return status;
  const attr = new Attr();
  parts.tree.readAttr(lower, attr);
  return isWhiteoutDevice(attr.mode, attr.rdev) ? markHolder(parts.upper, directory) : 0;
}

/**
 * Gives a loaded directory and all directories above it upper directories, and brings its own to the kernel's form. Their
 * times stay as they were.
 */
export function copyUpDirectory(parts: CopyUpParts, directory: DirectoryInode): Status {
  if (directory.hasUpperDirectory) return convert(parts, directory);
  const { parent, name, lower } = directory;
  if (parent === undefined) return -EPERM;
  const above = copyUpDirectory(parts, parent);
  if (above < 0) return above;
  const { upper, changed } = parts;
  const staged = { dir: upper.workFd, name: upper.workNames.next() };
  const metadata = metadataOf(parts, lower, staged);
  if (typeof metadata === 'number') return metadata;
  const upperIno = makeNewDirectory(staged.dir, staged.name, metadata.numbers, metadata.xattrs);
  if (upperIno < 0) return upperIno;
  let status = upper.markImpure(parent);
  if (status === 0) status = place(parts, staged.name, parent, bytesOf(name));
  if (status < 0) {
    rmdirAt(staged.dir, staged.name);
    return status;
  }
  directory.hasUpperDirectory = true;
  directory.upperIno = upperIno;
  changed.add(directory);
  return 0;
}

/** Moves a staged directory to its name. If its mode forbids its owner to do that, the owner gets access meanwhile. */
function place(parts: CopyUpParts, staged: Uint8Array, parent: DirectoryInode, name: Uint8Array): Status {
  const { upper } = parts;
  const move = (): Status =>
    changeNames(parts, parent, (dir) => renameKeepingTimes(upper.workFd, staged, dir, name));
  const first = move();
  if (first !== -EACCES) return first;
  const fd = openAt(upper.workFd, staged, O_PATH);
  if (fd < 0) return fd;
  const status = upper.asOwner(fd, NO_NAME, move);
  closeSync(fd);
  return status;
}

/** Runs `change`, which keeps the times of the upper directory that it gets. */
function changeNames(
  { upper, changed }: CopyUpParts,
  directory: DirectoryInode,
  change: (dir: number) => Status,
): Status {
  const dir = upper.directoryFd(directory);
  if (dir < 0) return dir;
  // ctime moves.
  changed.add(directory);
  return upper.asOwner(dir, NO_NAME, () => change(dir));
}

function convert(parts: CopyUpParts, directory: DirectoryInode): Status {
  if (!needsConversion(directory)) return 0;
  const { upper, directories } = parts;
  const hasLower = (name: Uint8Array): boolean => directories.lowerDentry(directory, name) >= 0;
  return keepTimes(parts, directory, (dir) => convertAufsMarkers(upper, directory, dir, hasLower));
}

/** Runs `change` on the upper directory, and then restores its atime and mtime: what the mount shows has not changed. */
function keepTimes(
  { upper, changed }: CopyUpParts,
  directory: DirectoryInode,
  change: (dir: number) => Status,
): Status {
  const dir = upper.directoryFd(directory);
  if (dir < 0) return dir;
  const before = upper.statStoredAt(dir, NO_NAME);
  if (typeof before === 'number') return before;
  // ctime moves.
  changed.add(directory);
  const status = upper.asOwner(dir, NO_NAME, () => change(dir));
  if (status === 0) {
    utimensAt(dir, NO_NAME, before.atimeSec, before.atimeNsec, before.mtimeSec, before.mtimeNsec);
  }
  return status;
}
