// The steps of which inodes are made: the file itself, its owner, and taking it away again.
import { closeSync } from 'node:fs';
import { KEEP_ID, chmodAt, createAt, mkdirAt, rmdirAt, symlinkAt, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, SET_ID_BITS } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Call, NewInode } from '../../vfs/operation.ts';
import type { KeptOwners } from '../upper/kept-owners.ts';
import { NO_NAME } from '../upper/upper.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, makeShownWhiteout } from './shown-whiteout.ts';

/** A file to be made. */
export interface NewFile extends NewInode {
  /** Of a symlink. */
  readonly target?: Uint8Array;
}

/** A file that was made. */
export interface MadeFile {
  /** Open for reading and writing if it is a regular file, else -1. The caller closes it. */
  readonly fd: number;
}

/** Makes the file itself, which belongs to the daemon at first; or a negative errno. */
export function makeFile(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  file: NewFile,
): MadeFile | number {
  const { umask, rdev, target } = file;
  const mode = storedMode(state, file.mode);
  switch (mode & S_IFMT) {
    case S_IFREG: {
      const fd = createAt(dir, name, state.upper.newFileFlags, mode & 0o7777, umask);
      return fd < 0 ? fd : { fd };
    }
    case S_IFDIR:
      return withoutDescriptor(mkdirAt(dir, name, mode & 0o7777, umask));
    case S_IFLNK:
      return withoutDescriptor(symlinkAt(target ?? NO_NAME, dir, name));
    default:
      return withoutDescriptor(
        isWhiteoutDevice(mode, rdev)
          ? makeShownWhiteout(state.upper.marks, dir, name, mode, umask)
          : state.upper.makeNode(dir, name, mode, rdev, umask),
      );
  }
}

function withoutDescriptor(status: Status): MadeFile | number {
  return status < 0 ? status : { fd: -1 };
}

/** Where owners are kept in xattrs, set-ID bits would mean the daemon's own user. */
export function storedMode(state: OverlayState, mode: number): number {
  return state.upper.keptOwners === undefined ? mode : mode & (S_IFMT | 0o777);
}

/** The group that new files in the upper directory `dir` get from it; undefined unless it is set-group-ID. */
export function groupFrom(state: OverlayState, dir: number): number | undefined {
  const stat = state.upper.statAt(dir, NO_NAME);
  return typeof stat === 'number' || (stat.mode & S_ISGID) === 0 ? undefined : stat.gid;
}

/**
 * Gives a new file to the caller. `inheritGroup` returns the group that the file has inherited from its directory, if any. It is
 * a function because root's callers, who own what the daemon makes, never need the answer.
 */
export function own(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  inheritGroup: () => number | undefined,
  file: NewInode,
  call: Call,
): Status {
  const { daemonUid, daemonGid } = state;
  if (state.upper.keptOwners !== undefined) {
    return keepOwner(state, state.upper.keptOwners, dir, name, inheritGroup(), file, call);
  }
  if (call.uid === daemonUid && call.gid === daemonGid) return 0;
  const gid = inheritGroup() === undefined ? call.gid : KEEP_ID;
  const status = state.upper.changeOwner(dir, name, call.uid, gid);
  const isDirectory = (file.mode & S_IFMT) === S_IFDIR;
  if (status < 0 || isDirectory || (file.mode & SET_ID_BITS) === 0) return status;
  // chown(2) took them off.
  const stat = state.upper.statAt(dir, name);
  if (typeof stat === 'number') return 0;
  return chmodAt(dir, name, (stat.mode & 0o7777) | (file.mode & SET_ID_BITS));
}

/** The same where owners are kept in xattrs, which don't inherit a group by themselves. */
function keepOwner(
  { upper }: OverlayState,
  keptOwners: KeptOwners,
  dir: number,
  name: Uint8Array,
  inheritedGroup: number | undefined,
  file: NewInode,
  call: Call,
): Status {
  let special = file.mode & 0o7000;
  if (inheritedGroup !== undefined && (file.mode & S_IFMT) === S_IFDIR) special |= S_ISGID;
  const gid = inheritedGroup ?? call.gid;
  return upper.asOwner(dir, name, () => keptOwners.own(dir, name, call.uid, gid, special));
}

/** Undoes `makeFile`. */
export function removeMade(dir: number, name: Uint8Array, file: NewFile, made: MadeFile): void {
  if (made.fd >= 0) closeSync(made.fd);
  if ((file.mode & S_IFMT) === S_IFDIR) rmdirAt(dir, name);
  else unlinkAt(dir, name);
}
