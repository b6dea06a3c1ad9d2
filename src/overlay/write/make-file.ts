// The steps of which inodes are made: the file itself, its owner, and taking it away again.
import { closeSync } from 'node:fs';
import {
  KEEP_ID,
  Stat,
  chmodAt,
  createAt,
  mkdirAt,
  rmdirAt,
  symlinkAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, SET_ID_BITS } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Call, NewInode } from '../../vfs/operation.ts';
import type { KeptOwners } from '../upper/kept-owners.ts';
import { NO_NAME } from '../upper/upper.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, makeShownWhiteout } from './shown-whiteout.ts';

/** What is made. */
export interface NewFile extends NewInode {
  /** Of a symlink. */
  readonly target?: Uint8Array;
  /** Open for both, of a regular file that was made; else -1. Owned by who makes. */
  fd: number;
}

/** Makes the file itself, the caller's not yet. */
export function makeFile(state: OverlayState, dir: number, name: Uint8Array, making: NewFile): Status {
  const { umask, rdev, target } = making;
  const mode = storedMode(state, making.mode);
  switch (mode & S_IFMT) {
    case S_IFREG:
      making.fd = createAt(dir, name, state.upper.newFileFlags, mode & 0o7777, umask);
      return Math.min(making.fd, 0);
    case S_IFDIR:
      return mkdirAt(dir, name, mode & 0o7777, umask);
    case S_IFLNK:
      return symlinkAt(target ?? NO_NAME, dir, name);
    default:
      return isWhiteoutDevice(mode, rdev)
        ? makeShownWhiteout(state.upper.marks, dir, name, mode, umask)
        : state.upper.makeNode(dir, name, mode, rdev, umask);
  }
}

/** Where owners are kept aside, set-ID bits would mean the daemon's own user. */
export function storedMode(state: OverlayState, mode: number): number {
  return state.upper.keptOwners === undefined ? mode : mode & (S_IFMT | 0o777);
}

/** A function, so that root's callers, who own what the daemon makes, never ask. Where true, `upper.stat` tells of `dir`. */
export function isSetgid(state: OverlayState, dir: number): () => boolean {
  return () =>
    state.upper.statAt(dir, NO_NAME) === 0 && ((state.upper.stat[Stat.mode] as number) & S_ISGID) !== 0;
}

/** Gives what was made to the caller. A set-group-ID directory has given its group already. */
export function own(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  hasDirectoryGroup: () => boolean,
  making: NewInode,
  call: Call,
): Status {
  const { daemonUid, daemonGid } = state;
  if (state.upper.keptOwners !== undefined) {
    return keepOwner(state, state.upper.keptOwners, dir, name, hasDirectoryGroup, making, call);
  }
  if (call.uid === daemonUid && call.gid === daemonGid) return 0;
  const gid = hasDirectoryGroup() ? KEEP_ID : call.gid;
  const status = state.upper.changeOwner(dir, name, call.uid, gid);
  const isDirectory = (making.mode & S_IFMT) === S_IFDIR;
  if (status < 0 || isDirectory || (making.mode & SET_ID_BITS) === 0) return status;
  // chown(2) took them off.
  if (state.upper.statAt(dir, name) < 0) return 0;
  return chmodAt(dir, name, ((state.upper.stat[Stat.mode] as number) & 0o7777) | (making.mode & SET_ID_BITS));
}

/** The same where owners are kept aside, and what a set-group-ID directory gives too. */
function keepOwner(
  { upper }: OverlayState,
  keptOwners: KeptOwners,
  dir: number,
  name: Uint8Array,
  hasDirectoryGroup: () => boolean,
  making: NewInode,
  call: Call,
): Status {
  let gid = call.gid;
  let special = making.mode & 0o7000;
  if (hasDirectoryGroup()) {
    gid = upper.stat[Stat.gid] as number;
    if ((making.mode & S_IFMT) === S_IFDIR) special |= S_ISGID;
  }
  return upper.asOwner(dir, name, () => keptOwners.own(dir, name, call.uid, gid, special));
}

export function removeMade(dir: number, name: Uint8Array, making: NewFile): void {
  closeMade(making);
  if ((making.mode & S_IFMT) === S_IFDIR) rmdirAt(dir, name);
  else unlinkAt(dir, name);
}

export function closeMade(making: NewFile): void {
  if (making.fd >= 0) closeSync(making.fd);
  making.fd = -1;
}
