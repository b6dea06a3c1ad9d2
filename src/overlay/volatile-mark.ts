// W/work/incompat/volatile: the mark that nothing was synced, as kernel overlayfs makes it, which then refuses the upper.
//
// A mount says more: in that directory lies an empty one named by the kernel's boot ID. While the machine that wrote an
// upper runs on, nothing of it is lost, whatever was synced; after that, nobody knows.
import { closeSync, readFileSync } from 'node:fs';
import { listNames, mkdirAt, openAt, rmdirAt, DIRECTORY_FLAGS } from '../sys/upper-calls.ts';
import { EEXIST, ENOENT } from '../vfs/errno.ts';
import type { Status } from '../vfs/filesystem.ts';
import { bytesOf } from '../vfs/names.ts';

/** What the kernel's cleaning of a work directory stops at, and ours leaves. */
export const INCOMPAT_NAME = 'incompat';
const INCOMPAT = bytesOf(INCOMPAT_NAME);
const VOLATILE = bytesOf('volatile');

/** What a work directory says of the upper's past. */
export type UpperPast =
  | 'synced'
  /** Volatile, and nothing can have been lost. */
  | 'unsynced'
  /** Volatile, and the machine was started anew since then, or another program made the mark. */
  | 'unknown'
  /** Something in work/incompat that only its maker understands. */
  | 'incompatible';

/** Names a start of this machine. */
export function readBootId(): string {
  return `boot-${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`;
}

export function readPast(workFd: number, bootId: string): UpperPast {
  const marks = namesIn(workFd, INCOMPAT);
  if (marks.length === 0) return 'synced';
  if (marks.some((name) => name !== 'volatile')) return 'incompatible';
  const incompat = openAt(workFd, INCOMPAT, DIRECTORY_FLAGS);
  if (incompat < 0) return 'unknown';
  const boots = namesIn(incompat, VOLATILE);
  closeSync(incompat);
  return boots.length === 1 && boots[0] === bootId ? 'unsynced' : 'unknown';
}

export function isMarkedVolatile(workFd: number): boolean {
  return namesIn(workFd, INCOMPAT).includes('volatile');
}

/** Makes the mark anew. */
export function markVolatile(workFd: number, bootId: string): Status {
  const cleared = clearVolatile(workFd);
  if (cleared < 0) return cleared;
  return within(workFd, INCOMPAT, (incompat) =>
    within(incompat, VOLATILE, (mark) => mkdirAt(mark, bytesOf(bootId), 0o700, 0)),
  );
}

/** Removes the mark: once all is synced, or where the user takes the upper as it is. */
export function clearVolatile(workFd: number): Status {
  const incompat = openAt(workFd, INCOMPAT, DIRECTORY_FLAGS);
  if (incompat < 0) return incompat === -ENOENT ? 0 : incompat;
  try {
    const mark = openAt(incompat, VOLATILE, DIRECTORY_FLAGS);
    if (mark < 0) return mark === -ENOENT ? 0 : mark;
    try {
      for (const name of namesIn(incompat, VOLATILE)) rmdirAt(mark, bytesOf(name));
    } finally {
      closeSync(mark);
    }
    return rmdirAt(incompat, VOLATILE);
  } finally {
    closeSync(incompat);
  }
}

/** Makes a directory where it is missing, and acts in it. */
function within(dir: number, name: Uint8Array, act: (fd: number) => Status): Status {
  const made = mkdirAt(dir, name, 0o700, 0);
  if (made < 0 && made !== -EEXIST) return made;
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

/** Names in a directory of `dir`; none where it is missing or can't be read. */
function namesIn(dir: number, name: Uint8Array): string[] {
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return [];
  const list = listNames(fd);
  closeSync(fd);
  if (typeof list === 'number') return [];
  const names: string[] = [];
  for (let at = 0; at < list.length; at += 2 + (list[at + 1] as number)) {
    names.push(list.toString('latin1', at + 2, at + 2 + (list[at + 1] as number)));
  }
  return names;
}
