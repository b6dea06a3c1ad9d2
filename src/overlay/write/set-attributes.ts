// setattr: sets size, owner, mode and times in this order, in which no step undoes another.
import {
  NO_NAME,
  UTIME_NOW,
  UTIME_OMIT,
  removexattrAt,
  truncateFile,
  utimensAt,
  KEEP_ID,
} from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFREG, S_ISUID, S_ISGID } from '../../vfs/attr.ts';
import { EINVAL, EISDIR } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import type { AttrChanges, Call, TimeChange } from '../../vfs/operation.ts';
import { ALL_DATA, METADATA, type Need, copyUp } from '../copy-up/copy-up.ts';
import { openUpperFile } from '../copy-up/open-upper-file.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { isInGroup, isRootCall } from './caller.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseAttributes } from './protection.ts';
import type { Place } from '../upper/upper.ts';
import { closeSync, constants } from 'node:fs';

const S_IXGRP = 0o010;
const CAPABILITY = Buffer.from('security.capability');

/** If `inode` is a directory, it must be loaded. */
export function setAttributes(
  state: OverlayState,
  inode: Inode,
  changes: AttrChanges,
  call: Call,
): MaybePromise<Status> {
  const { size } = changes;
  if (size !== undefined && inode.type !== S_IFREG) return inode.type === S_IFDIR ? -EISDIR : -EINVAL;
  const refused = refuseAttributes(inode, changes);
  if (refused < 0) return refused;
  const need: Need = size === undefined ? METADATA : { ...ALL_DATA, limit: size };
  const copied = copyUp(state, inode, need, call);
  if (typeof copied === 'number') return copied < 0 ? copied : apply(state, inode, changes, call);
  return copied.then((status) => (status < 0 ? status : apply(state, inode, changes, call)));
}

function apply(state: OverlayState, inode: Inode, changes: AttrChanges, call: Call): Status {
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  const { dir, name } = place;
  const { size, uid, gid, mode } = changes;
  let status = 0;
  if (size !== undefined)
    status = truncate(state, inode, size, changes.killsPrivileges === true ? call : undefined);
  if (status === 0 && (uid !== undefined || gid !== undefined)) {
    const drops = dropsSetgid(state, inode, place, call);
    status = state.upper.owners.changeOwner(dir, name, uid ?? KEEP_ID, gid ?? KEEP_ID);
    if (status === 0 && drops) status = dropSetgid(state, place);
  }
  if (status === 0 && mode !== undefined) status = state.upper.owners.changeMode(dir, name, mode & 0o7777);
  if (status === 0 && (changes.atime !== undefined || changes.mtime !== undefined)) {
    status = setTimes(place, changes.atime, changes.mtime);
  }
  // Some of the changes may have been made.
  if (status < 0) state.changed.add(inode);
  return status;
}

/**
 * True if a chown(2) by the caller clears S_ISGID of a file that its group can't execute: the caller is not in the group. The
 * daemon's own chown(2) would not clear it.
 */
function dropsSetgid({ upper }: OverlayState, inode: Inode, { dir, name }: Place, call: Call): boolean {
  const stat = inode.type === S_IFREG ? upper.statAt(dir, name) : undefined;
  if (typeof stat !== 'object' || (stat.mode & S_ISGID) === 0) return false;
  return !isRootCall(call) && !isInGroup(call, stat.gid);
}

function dropSetgid({ upper }: OverlayState, { dir, name }: Place): Status {
  const stat = upper.statAt(dir, name);
  if (typeof stat === 'number') return stat;
  return upper.owners.changeMode(dir, name, stat.mode & 0o7777 & ~S_ISGID);
}

/** The place of an inode's upper file or directory, or a negative errno. */
export function upperPlace(state: OverlayState, inode: Inode): Place | number {
  if (!(inode instanceof DirectoryInode)) return state.upper.placeOf(inode);
  const dir = state.upper.directoryFd(inode);
  return dir < 0 ? dir : { dir, name: NO_NAME };
}

export function truncate(state: OverlayState, inode: Inode, size: number, killer: Call | undefined): Status {
  if (inode.writeFd >= 0) return truncateOpen(state, inode.writeFd, size, killer);
  const fd = openUpperFile(state, inode, constants.O_WRONLY);
  if (fd < 0) return fd;
  const status = truncateOpen(state, fd, size, killer);
  closeSync(fd);
  return status;
}

function truncateOpen(state: OverlayState, fd: number, size: number, killer: Call | undefined): Status {
  const status = truncateFile(fd, size);
  return status < 0 || killer === undefined ? status : dropPrivileges(state, fd, killer);
}

/**
 * Clears what a write by an unprivileged caller clears: capabilities, S_ISUID, and S_ISGID by the rule of
 * setattr_should_drop_sgid (fs/attr.c).
 */
export function dropPrivileges(state: OverlayState, fd: number, killer: Call): Status {
  const stat = state.upper.statAt(fd, NO_NAME);
  if (typeof stat === 'number') return stat;
  const { mode, gid } = stat;
  let left = mode & 0o7777 & ~S_ISUID;
  if ((left & S_ISGID) !== 0 && ((mode & S_IXGRP) !== 0 || !isInGroup(killer, gid))) left &= ~S_ISGID;
  // ENODATA and EOPNOTSUPP: the file had no capabilities.
  removexattrAt(fd, NO_NAME, CAPABILITY);
  return left === (mode & 0o7777) ? 0 : state.upper.owners.changeMode(fd, NO_NAME, left);
}

function setTimes(
  { dir, name }: Place,
  atime: TimeChange | undefined,
  mtime: TimeChange | undefined,
): Status {
  return utimensAt(dir, name, secOf(atime), nsecOf(atime), secOf(mtime), nsecOf(mtime));
}

function secOf(time: TimeChange | undefined): number {
  return time === undefined || time === 'now' ? 0 : time.sec;
}

function nsecOf(time: TimeChange | undefined): number {
  if (time === undefined) return UTIME_OMIT;
  return time === 'now' ? UTIME_NOW : time.nsec;
}
