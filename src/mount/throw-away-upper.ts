// A throw-away upper: a new directory with `upper` and `work` in it, removed when the mount ends.
//
// It is locked (flock) as long as its daemon lives. What a daemon that was killed has left is found by the next one that
// makes such a directory in the same place: this user's, with the mark that is written into it, and without a lock. A
// name proves nothing: what has no mark is not ours to remove.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { examinePath } from '../sys/trusted-path.ts';
import { lockFile, openAt } from '../sys/upper-calls.ts';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { emptyDirectory } from '../overlay/upper/empty-directory.ts';
import type { UpperPaths } from './upper-paths.ts';

const PREFIX = 'stratafs-tmp-';
const NAME = /^stratafs-tmp-[A-Za-z0-9]{6}$/;
/** An empty file that says that all beside it may be removed. */
const MARK = 'thrown-away-by-stratafs';
const CONTENT = ['upper', 'work'] as const;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Each try can fail only where somebody clears the place just then. */
const TRIES = 5;

export interface ThrowAwayDirectory extends UpperPaths {
  readonly work: string;
  /** Removes all of it; answers what could not be removed, in words. */
  remove(): string | undefined;
}

/**
 * Makes one in $TMPDIR, 0700. What dead daemons left there is removed; `onNotice` hears of it. InputError where none can
 * be made.
 */
export function makeThrowAwayUpper(onNotice: (text: string) => void): ThrowAwayDirectory {
  const place = resolve(tmpdir());
  requireTrusted(place);
  removeLeftovers(place, onNotice);
  for (let i = 0; i < TRIES; i++) {
    const path = makeDirectory(place);
    const fd = lockDirectory(path);
    if (fd < 0) continue;
    return fill(path, fd);
  }
  throw new InputError(`${place}: no throw-away upper directory can be made: it is removed by somebody else`);
}

/** Others could put something else in the place of a directory that is made here, while root writes to it. */
function requireTrusted(place: string): void {
  const found = examinePath(place);
  if (found.kind !== 'untrusted') return; // what is missing, making a directory says
  throw new InputError(
    `${place}: no throw-away upper directory can be made here: ${found.reason}; $TMPDIR names another place for it`,
  );
}

/** `path` is new, and locked by `fd`. */
function fill(path: string, fd: number): ThrowAwayDirectory {
  const [upper, work] = CONTENT.map((name) => join(path, name)) as [string, string];
  try {
    writeFileSync(join(path, MARK), '', { flag: 'wx', mode: 0o600 });
    mkdirSync(upper, { mode: 0o755 });
    mkdirSync(work, { mode: 0o700 });
  } catch (error) {
    removeLocked(path, fd);
    throw error;
  }
  return { upper, work, isWorkImplied: false, remove: () => removeLocked(path, fd) };
}

function makeDirectory(place: string): string {
  try {
    return mkdtempSync(join(place, PREFIX));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(
      `no throw-away upper directory can be made: ${reason}; $TMPDIR names another place for it`,
      { cause: error },
    );
  }
}

/** A descriptor that holds the lock; -1 where another has it, or the directory is gone or not this user's. */
function lockDirectory(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, DIRECTORY);
  } catch {
    return -1; // ENOENT: removed meanwhile. ENOTDIR, ELOOP, EACCES: not a throw-away upper.
  }
  if (lockFile(fd) === 0 && isStillThere(path, fd)) return fd;
  closeSync(fd);
  return -1;
}

function isStillThere(path: string, fd: number): boolean {
  const [named, open] = [lstatSync(path, { throwIfNoEntry: false }), fstatSync(fd)];
  return named?.ino === open.ino && named.dev === open.dev && open.uid === process.geteuid?.();
}

function isMarked(path: string): boolean {
  const mark = lstatSync(join(path, MARK), { throwIfNoEntry: false });
  return mark?.isFile() === true && mark.uid === process.geteuid?.();
}

function removeLeftovers(place: string, onNotice: (text: string) => void): void {
  let names: string[];
  try {
    names = readdirSync(place);
  } catch {
    return; // ENOENT and the like: making a directory there reports it better.
  }
  for (const name of names) {
    if (!NAME.test(name)) continue;
    const path = join(place, name);
    const fd = lockDirectory(path);
    if (fd < 0) continue;
    if (!isMarked(path)) {
      closeSync(fd);
      continue;
    }
    const problem = removeLocked(path, fd);
    onNotice(problem ?? `${path}: removed; the daemon of that throw-away upper directory was killed`);
  }
}

/** The mark goes last: what a killed daemon has begun to remove is still known to be a leftover. */
function removeLocked(path: string, fd: number): string | undefined {
  try {
    for (const name of CONTENT) emptyWithin(fd, name);
    const status = emptyDirectory(fd);
    if (status < 0) return `${path}: can't be removed: ${errnoName(status)}`;
    rmdirSync(path);
    return undefined;
  } catch (error) {
    return `${path}: can't be removed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    closeSync(fd);
  }
}

/** What this can't do shows when the whole is emptied. */
function emptyWithin(fd: number, name: string): void {
  const inner = openAt(fd, Buffer.from(name), DIRECTORY);
  if (inner < 0) return;
  emptyDirectory(inner);
  closeSync(inner);
}
