// The steps of creating an inode: create the file, set its owner, and remove it again if a later step fails.
import { closeSync } from 'node:fs';
import { type FileStat, createAndStat } from '../../sys/stat-at.ts';
import { NO_NAME, mkdirAt, rmdirAt, symlinkAt, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Call, NewInode } from '../../vfs/operation.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, makeShownWhiteout } from '../upper/shown-whiteout.ts';

/** A file to create. */
export interface NewFile extends NewInode {
  /** The target, if the file is a symlink. */
  readonly target?: Uint8Array;
}

/** A file that was created. */
export interface MadeFile {
  /** Open for reading and writing if it is a regular file, else -1. The caller closes it. */
  readonly fd: number;
  /** The attributes of its upper inode; undefined if they must be read, because something has changed since. */
  readonly stat?: FileStat;
}

/** Creates the file, which at first belongs to the daemon. Returns a negative errno on failure. */
export function makeFile(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  file: NewFile,
): MadeFile | number {
  const { umask, rdev, target } = file;
  const mode = state.upper.owners.creationMode(file.mode);
  switch (mode & S_IFMT) {
    case S_IFREG:
      return createAndStat(dir, name, state.upper.newFileFlags, mode & 0o7777, umask);
    case S_IFDIR:
      return withoutDescriptor(mkdirAt(dir, name, mode & 0o7777, umask));
    case S_IFLNK:
      return withoutDescriptor(symlinkAt(target ?? NO_NAME, dir, name));
    default:
      return withoutDescriptor(
        isWhiteoutDevice(mode, rdev)
          ? makeShownWhiteout(state.upper.marks, dir, name, mode, umask)
          : state.upper.owners.makeNode(dir, name, mode, rdev, umask),
      );
  }
}

function withoutDescriptor(status: Status): MadeFile | number {
  return status < 0 ? status : { fd: -1 };
}

/** The group that new files in the upper directory `dir` inherit; undefined if it is not set-group-ID. */
export function groupFrom(state: OverlayState, dir: number): number | undefined {
  const stat = state.upper.statAt(dir, NO_NAME);
  return typeof stat === 'number' || (stat.mode & S_ISGID) === 0 ? undefined : stat.gid;
}

/** Makes the caller the owner of a new file. `inheritGroup`: see OwnerForm.giveNew. */
export function giveToCaller(
  { upper }: OverlayState,
  dir: number,
  name: Uint8Array,
  { mode }: NewInode,
  { uid, gid }: Call,
  inheritGroup: () => number | undefined,
): Status {
  if (upper.owners.ownsNew({ uid, gid })) return 0;
  return upper.owners.giveNew(dir, name, { uid, gid, mode }, inheritGroup);
}

/** Undoes `makeFile`. */
export function removeMade(dir: number, name: Uint8Array, file: NewFile, { fd }: MadeFile): void {
  if (fd >= 0) closeSync(fd);
  if ((file.mode & S_IFMT) === S_IFDIR) rmdirAt(dir, name);
  else unlinkAt(dir, name);
}
