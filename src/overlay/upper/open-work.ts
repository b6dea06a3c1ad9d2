// Opens the work directory W, and W/work, in which files are made and which is emptied at every mount.
//
// Their paths may be derived, not given: W is U.work where none was named, and W/work always is. Somebody else may have put a
// symlink there, or a directory with files in it that would be removed. So each is opened by a descriptor of what it lies in,
// without following a symlink; it must belong to this user, and hold nothing but what a mount leaves. Nothing is changed before.
import { closeSync, constants, openSync } from 'node:fs';
import { basename } from 'node:path';
import {
  NO_NAME,
  O_PATH,
  chmodAt,
  chownAt,
  listNames,
  mkdirAt,
  openAt,
  DIRECTORY_FLAGS,
} from '../../sys/upper-calls.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../vfs/attr.ts';
import { EEXIST, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { bytesOf } from '../../vfs/names.ts';
import { showText } from '../../vfs/show-text.ts';
import { INCOMPAT_NAME } from './volatile-mark.ts';

const WORK_NAME = 'work';
const WORK = bytesOf(WORK_NAME);
/** What kernel overlayfs, fuse-overlayfs and we make in W. */
const NAMES_IN_BASE = /^(?:work|index|stratafs-links)$/;
/** What a killed mount leaves in W/work: kernel overlayfs and we call it `#...`, fuse-overlayfs by a number. */
const NAMES_IN_WORK = new RegExp(`^(?:#.*|\\d+|${INCOMPAT_NAME})$`, 's');
const HINT = '-o upperdir=U,workdir=W takes another';

/** The name of the work directory that is used if none is given; it lies beside the upper. */
export function impliedWorkName(upper: string): string {
  return `${basename(upper)}.work`;
}

/**
 * W beside the upper directory that `upperFd` is open on, made where it is missing: a descriptor, the caller's. `path` is for
 * messages. InputError where it is not this user's own, or holds anything but what a mount leaves.
 */
export function openImpliedWork(upperFd: number, path: string): number {
  const name = Buffer.from(basename(path));
  // The parent of the very directory that was opened, whatever its path leads to by now.
  const parent = openSync(`/proc/self/fd/${upperFd}/..`, O_PATH | constants.O_DIRECTORY);
  try {
    const made = mkdirAt(parent, name, 0o700, 0);
    if (made < 0 && made !== -EEXIST)
      throw new InputError(`work directory ${path}: can't be made: ${errnoName(made)}; ${HINT}`);
    const fd = openOwn(parent, name, path, []);
    try {
      refuseForeignNames(fd, path, NAMES_IN_BASE);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    closeSync(parent);
  }
}

/**
 * W/work, made where it is missing: a descriptor, the caller's. `path`: W's, for messages. `isGiven`: W was named by the user,
 * who so vouches for its owner. InputError as `openImpliedWork`.
 */
export function openWork(baseFd: number, path: string, isGiven: boolean): number {
  const made = mkdirAt(baseFd, WORK, 0o700, 0);
  if (made < 0 && made !== -EEXIST) throw new InputError(`${path}: can't be written to: ${errnoName(made)}`);
  const place = `${path}/${WORK_NAME}`;
  const fd = openOwn(baseFd, WORK, place, isGiven ? [find(baseFd, NO_NAME, path).uid] : []);
  try {
    refuseForeignNames(fd, place, NAMES_IN_WORK);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Makes W/work (`fd`) root's where another user's W was named, as kernel overlayfs makes its own: files are made there under
 * names, then get their owner and mode, and whoever may write there could exchange them in between.
 */
export function takeWork(fd: number, path: string): void {
  const root = 0;
  if (process.geteuid?.() !== root || find(fd, NO_NAME, path).uid === root) return;
  const owned = chownAt(fd, NO_NAME, root, root);
  const status = owned < 0 ? owned : chmodAt(fd, NO_NAME, 0o700);
  if (status < 0) {
    throw new InputError(
      `work directory ${path}/${WORK_NAME}: can't be made root's: ${errnoName(status)}; ${HINT}`,
    );
  }
}

/** `name` of `dir`: a directory of this user, or of one of `owners`. */
function openOwn(dir: number, name: Uint8Array, path: string, owners: readonly number[]): number {
  const { mode } = find(dir, name, path);
  const type = mode & S_IFMT;
  if (type !== S_IFDIR) {
    const what = type === S_IFLNK ? 'symlink' : 'file';
    throw new InputError(`work directory ${path}: found a ${what}, expected a directory; ${HINT}`);
  }
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) throw new InputError(`work directory ${path}: can't be opened: ${errnoName(fd)}; ${HINT}`);
  try {
    const { uid } = find(fd, NO_NAME, path);
    if (uid === process.geteuid?.() || owners.includes(uid)) return fd;
    throw new InputError(`work directory ${path}: belongs to another user (uid ${uid}); ${HINT}`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function find(dir: number, name: Uint8Array, path: string): FileStat {
  const stat = statAt(dir, name);
  if (typeof stat !== 'number') return stat;
  throw new InputError(`work directory ${path}: can't be looked at: ${errnoName(stat)}`);
}

function refuseForeignNames(fd: number, path: string, known: RegExp): void {
  const list = listNames(fd);
  if (typeof list === 'number')
    throw new InputError(`work directory ${path}: can't be listed: ${errnoName(list)}`);
  for (let at = 0; at < list.length; at += 2 + (list[at + 1] as number)) {
    const name = list.subarray(at + 2, at + 2 + (list[at + 1] as number));
    if (known.test(name.toString('latin1'))) continue;
    throw new InputError(
      `work directory ${path}: holds ${showText(name.toString())}, which no mount has made; move it away, or ${HINT}`,
    );
  }
}
