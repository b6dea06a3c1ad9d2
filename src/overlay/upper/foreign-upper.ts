// Detects that a user with more privileges has written to an upper without our mark. Root's kernel overlayfs leaves `trusted.`
// marks, which this process can't see, but also files with owners that this process could not have set.
import { closeSync } from 'node:fs';
import { openBeneath } from '../../sys/file-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import { DIRECTORY_FLAGS, listNames } from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { PATH_MAX } from '../../vfs/names.ts';

const NO_NAME = new Uint8Array(0);
const SLASH = Buffer.from('/');

/**
 * The path of a file in the upper, or '.', whose owner (by stat(2)) is not one of this process. Undefined if there is none, or
 * if the upper is empty. A directory that can't be opened is skipped; its own owner has been checked.
 */
export function findForeignFile(upperFd: number, isOwn: (uid: number) => boolean): Uint8Array | undefined {
  const pending: Uint8Array[] = [NO_NAME];
  let isEmpty = true;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const fd = openBeneath(upperFd, path, DIRECTORY_FLAGS);
    if (fd < 0) continue;
    const names = listNames(fd);
    try {
      for (const { name } of typeof names === 'number' ? [] : unpackNames(names)) {
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
