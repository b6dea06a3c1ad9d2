// Decides if a path can be trusted: only this user and root can replace what lies there.
//
// A user who can write to a directory can rename and replace its entries. So every directory from the root down is
// checked, as in sshd and sudo: it must belong to this user or to root, and nobody else may write to it. Two exceptions
// are safe:
//   - A sticky directory (/tmp) may be writable by all, since users can't rename or remove each other's entries there.
//   - A group may write if its number is this user's: by convention that is the user's private group.
// A symlink is followed if it belongs to this user or to root. The answer stays true, since only they could change it.
// So a caller may go on using the path, and needs no descriptor.
//
// A FUSE daemon can report any owner, so all of a FUSE file system counts as owned by the user who mounted it.
//
// In a user namespace, owners that are not mapped (among them the real root) appear as the overflow user. They are
// trusted above the last directory only.
import { type Stats, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { showText } from '../vfs/show-text.ts';
import { fuseUserAt } from './fuse-user.ts';

export type PathTrust =
  /** `path` has no symlinks left. `stats` are those of the last component. */
  | { readonly kind: 'trusted'; readonly path: string; readonly stats: Stats }
  /** The part that exists can be trusted. */
  | { readonly kind: 'missing' }
  /** One line: the directory and the reason. */
  | { readonly kind: 'untrusted'; readonly reason: string };

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
/** The kernel's own limit (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/**
 * Checks the directory `path` (absolute) and all directories above it. `makes`: creates missing ones, for this user
 * only. Throws Node's errors.
 */
export function examinePath(path: string, makes = false): PathTrust {
  const pending = path.split('/');
  let place = '/';
  let stats = lstatSync('/');
  let device: number | undefined;
  let symlinks = 0;
  for (;;) {
    const reason =
      whyUntrusted(place, stats) ?? (stats.dev === device ? undefined : whyForeignMount(place, stats));
    device = stats.dev;
    if (reason !== undefined) return { kind: 'untrusted', reason };
    const name = nextName(pending);
    if (name === undefined) return { kind: 'trusted', path: place, stats };
    if (name === '..') {
      place = place.slice(0, place.lastIndexOf('/')) || '/';
      stats = lstatSync(place);
      continue;
    }
    const next = place === '/' ? `/${name}` : `${place}/${name}`;
    const found = makes ? makeOrFind(next) : lstatSync(next, { throwIfNoEntry: false });
    if (found === undefined) return { kind: 'missing' };
    if (!found.isSymbolicLink()) {
      place = next;
      stats = found;
      continue;
    }
    if (!isTrustedOwner(found.uid)) return { kind: 'untrusted', reason: belongsToOther(next, found) };
    if (++symlinks > MAX_SYMLINKS)
      return { kind: 'untrusted', reason: `${showText(next)}: too many symlinks` };
    const target = readlinkSync(next);
    pending.unshift(...target.split('/'));
    if (target.startsWith('/')) {
      place = '/';
      stats = lstatSync('/');
    }
  }
}

function nextName(pending: string[]): string | undefined {
  for (;;) {
    const name = pending.shift();
    if (name !== '' && name !== '.') return name;
  }
}

function makeOrFind(path: string): Stats {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return lstatSync(path);
}

function whyUntrusted(path: string, stats: Stats): string | undefined {
  if (!stats.isDirectory()) return `${showText(path)} is not a directory`;
  if (!isTrustedOwner(stats.uid)) return belongsToOther(path, stats);
  if ((stats.mode & STICKY) !== 0) return undefined;
  if ((stats.mode & OTHERS_WRITE) !== 0) return writableByOthers(path, stats);
  return (stats.mode & GROUP_WRITES) !== 0 && stats.gid !== process.geteuid?.()
    ? writableByOthers(path, stats)
    : undefined;
}

function whyForeignMount(path: string, stats: Stats): string | undefined {
  const user = fuseUserAt(path, stats);
  return user === undefined || isTrustedOwner(user)
    ? undefined
    : `${showText(path)} lies on a FUSE file system of another user (uid ${user})`;
}

/**
 * The reason why others can change a file or directory: another owner, or write permission. Undefined if they can't.
 */
export function whyNotOwn(path: string, stats: Stats): string | undefined {
  if (stats.uid !== process.geteuid?.()) return belongsToOther(path, stats);
  return (stats.mode & (OTHERS_WRITE | GROUP_WRITES)) === 0 ? undefined : writableByOthers(path, stats);
}

function belongsToOther(path: string, { uid }: Stats): string {
  return `${showText(path)} belongs to another user (uid ${uid})`;
}

function writableByOthers(path: string, { mode }: Stats): string {
  return `others may write to ${showText(path)} (mode 0${(mode & 0o7777).toString(8)})`;
}

function isTrustedOwner(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.() || isUnmapped(uid);
}

/** True if the kernel shows this number for all users that this user namespace doesn't map. */
function isUnmapped(uid: number): boolean {
  const map = readFileSync('/proc/self/uid_map', 'latin1');
  const knowsAll = /^ *0 +0 +4294967295$/m.test(map);
  return !knowsAll && uid === Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'));
}
