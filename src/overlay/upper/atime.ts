// Access times, as kernel overlayfs keeps them: the flags of our own mount decide (relatime, noatime, strictatime, nodiratime),
// not those of the mount on which the upper lies.
//
// So U and W are opened in a private clone of their mount, which has our flags: the kernel then does the right thing for every
// descriptor that is opened from them, also for files that FUSE passes through. Both are in one clone, since no rename leaves
// a mount. The clone is in no mount table, and ends when the last descriptor is closed. Only root can have one, from Linux 5.12
// on; others open files with O_NOATIME for noatime, and can't have strictatime.
import { closeSync, constants } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR__ATIME,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_STRICTATIME,
  cloneMount,
} from '../../sys/mount-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import { NO_NAME, DIRECTORY_FLAGS, openAt } from '../../sys/upper-calls.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { AtimeRules } from './upper.ts';

/** A directory as it is open, and its path (absolute, without symlinks). */
export interface OpenDirectory {
  readonly fd: number;
  readonly path: string;
}

/**
 * Descriptors of the same directories in a mount of their own, the caller's; undefined where this process can't have one.
 * `mountFlags`: MS_* of mount(2).
 */
export function openInOwnMount(
  directories: readonly OpenDirectory[],
  mountFlags: number,
): readonly number[] | undefined {
  const top = commonAncestor(directories.map(({ path }) => path));
  const root = cloneMount(top, attributesOf(mountFlags), MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME);
  if (root < 0) return undefined;
  const opened = directories.map(({ path }) => openBeneath(root, relative(top, path)));
  // From now on the mount is attached nowhere: nothing can be mounted on it.
  closeSync(root);
  if (directories.every(({ fd }, i) => isSame(fd, opened[i] as number))) return opened;
  for (const fd of opened) if (fd >= 0) closeSync(fd);
  return undefined;
}

/** `hasOwnMount`: whether the upper is open in one. InputError for what can't be had without. */
export function atimeRules(mountFlags: number, hasOwnMount: boolean): AtimeRules {
  if (!hasOwnMount && (mountFlags & MS_STRICTATIME) !== 0) {
    throw new InputError(
      "mount option 'strictatime': the upper directory can't get a mount of its own for it, which needs root (CAP_SYS_ADMIN) and Linux 5.12; leave it out",
    );
  }
  return {
    openFlags: !hasOwnMount && (mountFlags & MS_NOATIME) !== 0 ? constants.O_NOATIME : 0,
    countsListings: (mountFlags & (MS_NOATIME | MS_NODIRATIME)) === 0,
  };
}

function attributesOf(mountFlags: number): number {
  const kind =
    (mountFlags & MS_STRICTATIME) !== 0
      ? MOUNT_ATTR_STRICTATIME
      : (mountFlags & MS_NOATIME) !== 0
        ? MOUNT_ATTR_NOATIME
        : 0;
  return kind | ((mountFlags & MS_NODIRATIME) !== 0 ? MOUNT_ATTR_NODIRATIME : 0);
}

function commonAncestor(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => path.split('/'));
  let length = 0;
  while (length < first.length && others.every((other) => other[length] === first[length])) length++;
  return resolve('/', join(...first.slice(0, length), '/'));
}

function openBeneath(root: number, path: string): number {
  let fd = openAt(root, NO_NAME, DIRECTORY_FLAGS);
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (fd < 0) return fd;
    const next = openAt(fd, Buffer.from(name), DIRECTORY_FLAGS);
    closeSync(fd);
    fd = next;
  }
  return fd;
}

function isSame(one: number, other: number): boolean {
  const [first, second] = [one, other].map((fd) => {
    const stat = statAt(fd, NO_NAME);
    return typeof stat === 'number' ? undefined : `${stat.dev}:${stat.ino}`;
  });
  return first !== undefined && first === second;
}
