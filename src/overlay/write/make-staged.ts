// Makes an inode in the work directory first, then puts it in its place, that of a whiteout or of nothing, in one step.
//
// What the directory's own file system would have done there is done by hand: its group where it is set-group-ID. Its
// default ACL is given to a directory in the work directory, in which the file is then made, so that the kernel's own
// rules for it apply.
import {
  NO_NAME,
  O_PATH,
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
import { type MadeFile, type NewFile, giveToCaller, groupFrom, makeFile, removeMade } from './make-file.ts';
import type { OverlayState } from './overlay-state.ts';

const DEFAULT_ACL = Buffer.from('system.posix_acl_default');
const STAGED_NAME = Buffer.from('made');

/** Puts a staged file in its place: on success, `name` has been moved out of `staging`. */
export type Publish = (staging: number, name: Uint8Array) => Status;

/** Makes a file in place of the whiteout `name` of the upper directory `dir`, or where there is nothing. */
export function makeStaged(
  state: OverlayState,
  dir: number,
  name: Uint8Array,
  file: NewFile,
  call: Call,
): MadeFile | number {
  const isDirectory = (file.mode & S_IFMT) === S_IFDIR;
  return makeAndPublish(state, dir, file, call, (staging, stagedName) => {
    const status = renameAt(staging, stagedName, dir, name, isDirectory ? RENAME_EXCHANGE : 0);
    // The whiteout is there now.
    if (status === 0 && isDirectory) unlinkAt(staging, stagedName);
    return status;
  });
}

/** Makes a file as one made in the upper directory `dir` would be, then calls `publish`; on failure nothing is left of it. */
export function makeAndPublish(
  state: OverlayState,
  dir: number,
  file: NewFile,
  call: Call,
  publish: Publish,
): MadeFile | number {
  const acl = getxattrAt(dir, NO_NAME, DEFAULT_ACL);
  const isLink = (file.mode & S_IFMT) === S_IFLNK;
  if (typeof acl === 'number' || isLink) {
    return makeIn(state, state.upper.workFd, state.upper.workNames.next(), dir, file, call, publish);
  }
  return inDirectoryWithAcl(state, acl, (staging) =>
    makeIn(state, staging, STAGED_NAME, dir, file, call, publish),
  );
}

/** Runs `make` with a new directory that has a default ACL; takes it away. */
function inDirectoryWithAcl<T>(
  { upper }: OverlayState,
  acl: Uint8Array,
  make: (staging: number) => T,
): T | number {
  const name = upper.workNames.next();
  const status = mkdirAt(upper.workFd, name, 0o700, 0);
  if (status < 0) return status;
  const marked = setxattrAt(upper.workFd, name, DEFAULT_ACL, acl, 0);
  const staging = marked < 0 ? marked : openAt(upper.workFd, name, O_PATH);
  const result = staging < 0 ? staging : make(staging);
  if (staging >= 0) closeSync(staging);
  rmdirAt(upper.workFd, name);
  return result;
}

function makeIn(
  state: OverlayState,
  staging: number,
  stagedName: Uint8Array,
  dir: number,
  file: NewFile,
  call: Call,
  publish: Publish,
): MadeFile | number {
  const made = makeFile(state, staging, stagedName, file);
  if (typeof made === 'number') return made;
  const isDirectory = (file.mode & S_IFMT) === S_IFDIR;
  let status = giveToCaller(state, staging, stagedName, file, call, () => undefined);
  const group = status === 0 ? groupFrom(state, dir) : undefined;
  if (group !== undefined) status = giveGroup(state, staging, stagedName, group, isDirectory);
  if (status === 0 && isDirectory) status = state.upper.marks.setOpaque(staging, stagedName);
  if (status === 0) status = publish(staging, stagedName);
  if (status === 0) return made;
  removeMade(staging, stagedName, file, made);
  return status;
}

/** What a set-group-ID directory of group `gid` does to a new file in it. */
function giveGroup(
  { upper }: OverlayState,
  dir: number,
  name: Uint8Array,
  gid: number,
  isDirectory: boolean,
): Status {
  const status = upper.owners.changeOwner(dir, name, KEEP_ID, gid);
  if (status < 0 || !isDirectory) return status;
  const stat = upper.statAt(dir, name);
  if (typeof stat === 'number') return stat;
  return upper.owners.changeMode(dir, name, (stat.mode & 0o7777) | S_ISGID);
}
