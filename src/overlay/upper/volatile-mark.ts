// W/work/incompat/volatile: a mark that writes of a mount may not have reached the disk. Kernel overlayfs creates the same mark,
// and refuses an upper that has it.
//
// The mark is removed only at a clean unmount after a successful syncfs(2). That the machine did not crash is not enough: the
// disk of the upper may have failed, or may have been removed.
import { closeSync } from 'node:fs';
import { listNames, mkdirAt, openAt, rmdirAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { EEXIST, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';

/** A directory in W/work. If it is not empty, kernel overlayfs fails to clean W/work. We don't remove it. */
export const INCOMPAT_NAME = 'incompat';
const INCOMPAT = bytesOf(INCOMPAT_NAME);
const VOLATILE = bytesOf('volatile');

/** What the work directory shows about earlier mounts of the upper. */
export type UpperPast =
  | 'synced'
  /** A mount with `volatile` was not unmounted cleanly, or another program set the mark. */
  | 'volatile'
  /** W/work/incompat holds a mark that we don't know. */
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
 * Removes the mark, after a sync or because the user accepts the upper as it is. Earlier versions put a directory into the mark;
 * that is removed too.
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

/** Calls `act` with the descriptor of a directory, which is created if it is missing. */
function within(dir: number, name: Uint8Array, act: (fd: number) => Status): Status {
  const status = mkdirAt(dir, name, 0o700, 0);
  if (status < 0 && status !== -EEXIST) return status;
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

/** The names in a directory of `dir`. Empty if the directory is missing or can't be read. */
function namesIn(dir: number, name: Uint8Array): string[] {
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return [];
  const list = listNames(fd);
  closeSync(fd);
  if (typeof list === 'number') return [];
  return Array.from(unpackNames(list), ({ name: each }) => each.toString('latin1'));
}
