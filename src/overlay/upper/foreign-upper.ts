// Finds out whether somebody with more rights has written an upper that no mount of ours has marked: root's kernel overlayfs
// leaves marks in `trusted.`, which this process can't see, but it also leaves files that this process could not have made.
import { closeSync } from 'node:fs';
import { openBeneath } from '../../sys/file-calls.ts';
import { DIRECTORY_FLAGS, STAT_LENGTH, Stat, listNames, statAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { PATH_MAX } from '../../vfs/names.ts';

const NO_NAME = new Uint8Array(0);
const SLASH = Buffer.from('/');

/**
 * The path of a file in the upper, or '.', whose owner (as stat(2) shows it) is none of this process's own; undefined for
 * none, or an empty upper. What can't be opened has been looked at from its directory.
 */
export function findForeignFile(upperFd: number, isOwn: (uid: number) => boolean): Uint8Array | undefined {
  const stat = new Float64Array(STAT_LENGTH);
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
        if (statAt(fd, name, stat) < 0) continue;
        const whole = path.length === 0 ? Buffer.from(name) : Buffer.concat([path, SLASH, name]);
        if (!isOwn(stat[Stat.uid] as number)) return whole;
        const isDirectory = ((stat[Stat.mode] as number) & S_IFMT) === S_IFDIR;
        if (isDirectory && whole.length < PATH_MAX) pending.push(whole);
      }
    } finally {
      closeSync(fd);
    }
  }
  const isForeign = !isEmpty && statAt(upperFd, NO_NAME, stat) === 0 && !isOwn(stat[Stat.uid] as number);
  return isForeign ? Buffer.from('.') : undefined;
}
