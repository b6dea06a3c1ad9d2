// Opens the work directory W, and W/work, where new files are staged. Every mount empties W/work.
//
// The user need not have named these paths: W is U.work by default, and W/work is always derived. Another user may have put a
// symlink there, or a directory with files that would be removed. So each is opened relative to its parent's descriptor,
// without following a symlink. It must belong to this user, and hold only files that a mount leaves. Nothing is changed before
// these checks.
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
import { unpackNames } from '../../sys/packed-names.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../vfs/attr.ts';
import { EEXIST, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { bytesOf } from '../../vfs/names.ts';
import { showText } from '../../vfs/show-text.ts';
import { INCOMPAT_NAME } from './volatile-mark.ts';

const WORK_NAME = 'work';
const WORK = bytesOf(WORK_NAME);
/** The names that kernel overlayfs, fuse-overlayfs and stratafs create in W. */
const NAMES_IN_BASE = /^(?:work|index|stratafs-links)$/;
/** The names that a killed mount leaves in W/work: `#...` by kernel overlayfs and stratafs, a number by fuse-overlayfs. */
const NAMES_IN_WORK = new RegExp(`^(?:#.*|\\d+|${INCOMPAT_NAME})$`, 's');
const HINT = '-o upperdir=U,workdir=W takes another';

/** The name of the default work directory, which lies next to the upper. */
export function impliedWorkName(upper: string): string {
  return `${basename(upper)}.work`;
}

/**
 * Opens W next to the upper directory of `upperFd`, and creates it if it is missing. The caller closes the descriptor. `path` is
 * for messages. InputError if W belongs to another user, or holds a name that no mount creates.
 */
export function openImpliedWork(upperFd: number, path: string): number {
  const name = Buffer.from(basename(path));
  // The parent of the directory that was opened. Its path may lead elsewhere by now.
  const parent = openSync(`/proc/self/fd/${upperFd}/..`, O_PATH | constants.O_DIRECTORY);
  try {
    const status = mkdirAt(parent, name, 0o700, 0);
    if (status < 0 && status !== -EEXIST)
      throw new InputError(`work directory ${path}: can't be made: ${errnoName(status)}; ${HINT}`);
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
 * Opens W/work, and creates it if it is missing. The caller closes the descriptor. `path` is W's, for messages. If the user named
 * W (`isGiven`), W/work may also belong to the owner of W. InputError as in `openImpliedWork`.
 */
export function openWork(baseFd: number, path: string, isGiven: boolean): number {
  const status = mkdirAt(baseFd, WORK, 0o700, 0);
  if (status < 0 && status !== -EEXIST)
    throw new InputError(`${path}: can't be written to: ${errnoName(status)}`);
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
 * If root mounts with a W/work (`fd`) of another user, gives it to root, as kernel overlayfs does. A staged file gets its owner
 * and mode after it is created; a user with write access to the directory could replace it before.
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

/** Opens the directory `name` of `dir`. It must belong to this user or to one of `owners`. */
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

function refuseForeignNames(fd: number, path: string, expected: RegExp): void {
  const list = listNames(fd);
  if (typeof list === 'number')
    throw new InputError(`work directory ${path}: can't be listed: ${errnoName(list)}`);
  for (const { name } of unpackNames(list)) {
    if (expected.test(name.toString('latin1'))) continue;
    throw new InputError(
      `work directory ${path}: holds ${showText(name.toString())}, which no mount has made; move it away, or ${HINT}`,
    );
  }
}
