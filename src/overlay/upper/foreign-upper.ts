// Finds out whether somebody with more rights has written an upper without our mark: root's kernel overlayfs
// leaves marks in `trusted.`, which this process can't see, but it also leaves files that this process could not have made.
import { closeSync } from 'node:fs';
import { openBeneath } from '../../sys/file-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import { DIRECTORY_FLAGS, listNames } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { PATH_MAX } from '../../vfs/names.ts';

const NO_NAME = new Uint8Array(0);
const SLASH = Buffer.from('/');

/**
 * The path of a file in the upper, or '.', whose owner (as stat(2) shows it) is none of this process's own; undefined for
 * none, or an empty upper. What can't be opened has been looked at from its directory.
 */
export function findForeignFile(upperFd: number, isOwn: (uid: number) => boolean): Uint8Array | undefined {
  const pending: Uint8Array[] = [NO_NAME];
  let isEmpty = true;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const fd = openBeneath(upperFd, path, DIRECTORY_FLAGS);
    if (fd < 0) continue;
    const names = listNames(fd);
    try {
      for (let at = 0; typeof names !== 'number' && at < names.length;) {
        const end = at + 2 + (names[at + 1] as number);
        const name = names.subarray(at + 2, end);
        at = end;
        isEmpty = false;
        const stat = statAt(fd, name);
        if (typeof stat === 'number') continue;
        const whole = path.length === 0 ? Buffer.from(name) : Buffer.concat([path, SLASH, name]);
        if (!isOwn(stat.uid)) return whole;
        const isDirectory = (stat.mode & S_IFMT) === S_IFDIR;
        if (isDirectory && whole.length < PATH_MAX) pending.push(whole);
      }
    } finally {
      closeSync(fd);
    }
  }
  const root = statAt(upperFd, NO_NAME);
  const isForeign = !isEmpty && typeof root !== 'number' && !isOwn(root.uid);
  return isForeign ? Buffer.from('.') : undefined;
}
