// Makes an inode in the work directory first, then puts it in its place, that of a whiteout or of nothing, in one step.
//
// What the directory's own file system would have done there is done by hand: its group where it is set-group-ID. Its
// default ACL is given to a directory in the work directory, in which the file is then made, so that the kernel's own
// rules for it apply.
import {
  Stat,
  getxattrAt,
  mkdirAt,
  openAt,
  renameAt,
  rmdirAt,
  setxattrAt,
  unlinkAt,
  RENAME_EXCHANGE,
  KEEP_ID,
} from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_ISGID } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { closeSync } from 'node:fs';
import { type NewFile, isSetgid, makeFile, own, removeMade } from './make-file.ts';
import type { OverlayState } from './overlay-state.ts';
import { NO_NAME, O_PATH } from '../upper/upper.ts';

const DEFAULT_ACL = Buffer.from('system.posix_acl_default');
const STAGED_NAME = Buffer.from('made');

/** Puts what was made in its place: a success, and `name` in `staging` is there no more. */
export type Publish = (staging: number, name: Uint8Array) => Status;

/** Makes a file in place of the whiteout `name` of the upper directory `dir`, or where there is nothing. */
export function makeStaged(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  making: NewFile,
  call: Call,
): Status {
  const isDirectory = (making.mode & S_IFMT) === S_IFDIR;
  return makeAndPlace(state, dir, making, call, (staging, stagedName) => {
    const status = renameAt(staging, stagedName, dir, name, isDirectory ? RENAME_EXCHANGE : 0);
    // The whiteout is there now.
    if (status === 0 && isDirectory) unlinkAt(staging, stagedName);
    return status;
  });
}

/** Makes a file as the upper directory `dir` would have it, and lets `place` put it there; on failure nothing is left of it. */
export function makeAndPlace(
  state: OverlayState,
  dir: number,
  making: NewFile,
  call: Call,
  place: Publish,
): Status {
  const acl = getxattrAt(dir, NO_NAME, DEFAULT_ACL);
  const isLink = (making.mode & S_IFMT) === S_IFLNK;
  if (typeof acl === 'number' || isLink) {
    return makeIn(state, state.upper.workFd, state.upper.newStagedName(), dir, making, call, place);
  }
  return inDirectoryWithAcl(state, acl, (staging) =>
    makeIn(state, staging, STAGED_NAME, dir, making, call, place),
  );
}

/** Runs `make` with a new directory that has a default ACL; takes it away. */
function inDirectoryWithAcl(state: OverlayState, acl: Uint8Array, make: (dir: number) => Status): Status {
  const { workFd } = state.upper;
  const name = state.upper.newStagedName();
  let status = mkdirAt(workFd, name, 0o700, 0);
  if (status < 0) return status;
  status = setxattrAt(workFd, name, DEFAULT_ACL, acl, 0);
  if (status === 0) {
    const staging = openAt(workFd, name, O_PATH);
    status = staging < 0 ? staging : make(staging);
    if (staging >= 0) closeSync(staging);
  }
  rmdirAt(workFd, name);
  return status;
}

function makeIn(
  state: OverlayState,
  staging: number,
  stagedName: Uint8Array,
  dir: number,
  making: NewFile,
  call: Call,
  place: Publish,
): Status {
  const made = makeFile(state, staging, stagedName, making);
  if (made < 0) return made;
  const isDirectory = (making.mode & S_IFMT) === S_IFDIR;
  const setgid = isSetgid(state, dir);
  let status = own(state, staging, stagedName, () => false, making, call);
  if (status === 0 && setgid()) status = giveGroup(state, staging, stagedName, isDirectory);
  if (status === 0 && isDirectory) status = state.upper.marks.setOpaque(staging, stagedName);
  if (status === 0) status = place(staging, stagedName);
  if (status < 0) removeMade(staging, stagedName, making);
  return status;
}

/** What a set-group-ID directory (`upper.stat` tells of it) does to what is made in it. */
function giveGroup(state: OverlayState, dir: number, name: Uint8Array, isDirectory: boolean): Status {
  const { stat } = state.upper;
  const status = state.upper.changeOwner(dir, name, KEEP_ID, stat[Stat.gid] as number);
  if (status < 0 || !isDirectory) return status;
  const known = state.upper.statAt(dir, name);
  if (known < 0) return known;
  return state.upper.changeMode(dir, name, ((stat[Stat.mode] as number) & 0o7777) | S_ISGID);
}
