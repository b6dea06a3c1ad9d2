// W/work/incompat/volatile: the mark that what a mount wrote may not be on the disk, as kernel overlayfs makes and refuses it.
//
// It is taken off only after a syncfs(2) that succeeded, when the mount ends in order. That the machine runs on says nothing:
// the disk below the upper may have been lost, or taken away.
import { closeSync } from 'node:fs';
import { listNames, mkdirAt, openAt, rmdirAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { EEXIST, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';

/** What the kernel's cleaning of a work directory stops at, and ours leaves. */
export const INCOMPAT_NAME = 'incompat';
const INCOMPAT = bytesOf(INCOMPAT_NAME);
const VOLATILE = bytesOf('volatile');

/** What a work directory says of the upper's past. */
export type UpperPast =
  | 'synced'
  /** A mount with `volatile` did not end in order, or another program made the mark. */
  | 'volatile'
  /** Something in work/incompat that only its maker understands. */
  | 'incompatible';

export function readPast(workFd: number): UpperPast {
  const marks = namesIn(workFd, INCOMPAT);
  if (marks.length === 0) return 'synced';
  return marks.every((name) => name === 'volatile') ? 'volatile' : 'incompatible';
}

export function markVolatile(workFd: number): Status {
  return within(workFd, INCOMPAT, (incompat) => within(incompat, VOLATILE, () => 0));
}

/**
 * Removes the mark: once all is synced, or where the user takes the upper as it is. A mark of an earlier version has a name
 * in it.
 */
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
