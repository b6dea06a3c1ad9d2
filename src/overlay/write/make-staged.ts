// Creates a file in the work directory, then moves it to its name in one step. There may be a whiteout at that name.
//
// A file that is created in place inherits from its directory; a staged one must get the same. The group of a set-group-ID
// directory is set explicitly. For a default ACL, the file is created in a temporary directory with the same ACL, so that the
// kernel applies its own rules.
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

/** Moves a staged file to its final name. On success, `name` no longer exists in `staging`. */
export type Publish = (staging: number, name: Uint8Array) => Status;

/** Creates a file under `name` in the upper directory `dir`. It may replace a whiteout. */
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
    // The staged name is now that of the whiteout.
    if (status === 0 && isDirectory) unlinkAt(staging, stagedName);
    return status;
  });
}

/** Creates a file as if in the upper directory `dir`, then calls `publish`. On failure the file is removed. */
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

/** Calls `make` with a temporary directory that has a default ACL, then removes the directory. */
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
  const newFile = makeFile(state, staging, stagedName, file);
  if (typeof newFile === 'number') return newFile;
  const isDirectory = (file.mode & S_IFMT) === S_IFDIR;
  let status = giveToCaller(state, staging, stagedName, file, call, () => undefined);
  const group = status === 0 ? groupFrom(state, dir) : undefined;
  if (group !== undefined) status = giveGroup(state, staging, stagedName, group, isDirectory);
  if (status === 0 && isDirectory) status = state.upper.marks.setOpaque(staging, stagedName);
  if (status === 0) status = publish(staging, stagedName);
  if (status === 0) return { fd: newFile.fd };
  removeMade(staging, stagedName, file, newFile);
  return status;
}

/** Sets the group of a new file in a set-group-ID directory; a new directory becomes set-group-ID too. */
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
