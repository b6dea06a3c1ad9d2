// Clears the work directory of what a daemon that was killed has left in it.
//
// One thing is not thrown away: the copy of an inode with several names that got some of them, as earlier versions left it.
// Its names must stay one file, so it becomes an entry of shared-copies.ts, which gives it the rest.
import { closeSync } from 'node:fs';
import { Stat, listNames, openAt, rmdirAt, unlinkAt, DIRECTORY_FLAGS } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { emptyDirectory } from './empty-directory.ts';
import { decodeOrigin } from '../../overlayfs-format/origin.ts';
import type { OverlayState } from '../write/overlay-state.ts';
import { moveToEntries } from '../copy-up/shared-copies.ts';
import { INCOMPAT_NAME } from './volatile-mark.ts';

/** Before anything is asked of the overlay. 0, or a negative errno of what can't be removed. */
export function clearWorkDirectory(state: OverlayState): Status {
  const { workFd } = state.upper;
  const names = namesIn(workFd);
  if (typeof names === 'number') return names;
  for (const name of names) {
    if (name.toString('latin1') === INCOMPAT_NAME) continue;
    const completed = completeLinks(state, name);
    const status = completed < 0 ? completed : removeTree(state, workFd, name);
    if (status < 0 && status !== -ENOENT) return status;
  }
  return 0;
}

function namesIn(dir: number): Buffer[] | number {
  const list = listNames(dir);
  if (typeof list === 'number') return list;
  const names: Buffer[] = [];
  for (let at = 0; at < list.length; at += 2 + (list[at + 1] as number)) {
    names.push(Buffer.from(list.subarray(at + 2, at + 2 + (list[at + 1] as number))));
  }
  return names;
}

/** Gives the copy the names that it has not got yet. */
function completeLinks(state: OverlayState, name: Buffer): Status {
  const { upper } = state;
  const known = upper.statStoredAt(upper.workFd, name);
  if (known < 0) return known;
  const isFile = ((upper.stat[Stat.mode] as number) & S_IFMT) !== S_IFDIR;
  if (!isFile || (upper.stat[Stat.nlink] as number) < 2) return 0;
  if (!upper.followsMarks(upper.workFd, name)) return 0;
  const marks = upper.marks.read(upper.workFd, name);
  if (typeof marks === 'number' || marks.origin === undefined) return 0;
  const lower = decodeOrigin(upper.identity, marks.origin);
  if (lower < 0 || lower >= state.tree.inodeCount || state.tree.isDirectory(lower)) return 0;
  if (state.tree.linkCountOf(lower) < 2) return 0;
  return moveToEntries(state, upper.workFd, name, lower);
}

/** Of any depth: what lies there may be somebody else's making. */
function removeTree(state: OverlayState, dir: number, name: Uint8Array): Status {
  const { upper } = state;
  const known = upper.statStoredAt(dir, name);
  if (known < 0) return known;
  if (((upper.stat[Stat.mode] as number) & S_IFMT) !== S_IFDIR) return unlinkAt(dir, name);
  const fd = openAt(dir, name, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  const emptied = emptyDirectory(fd);
  closeSync(fd);
  return emptied < 0 ? emptied : rmdirAt(dir, name);
}
