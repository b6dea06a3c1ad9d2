// Access times, as in kernel overlayfs: the flags of our mount (relatime, noatime, strictatime, nodiratime) decide, not those of
// the mount on which the upper lies.
//
// U and W are opened in a private clone of their mount, which has our flags. The kernel then applies the flags to every descriptor
// that is opened from them, including files in passthrough mode. Both are in one clone, because rename(2) doesn't work across
// mounts. The clone is detached (it appears in no mount table), and ends when the last descriptor is closed. It needs root and
// Linux 5.12. Without it, noatime opens files with O_NOATIME, and strictatime is refused.
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

/** An open directory, and its path (absolute, without symlinks). */
export interface OpenDirectory {
  readonly fd: number;
  readonly path: string;
}

/**
 * Opens the same directories in a private clone of their mount. The caller closes the descriptors. Undefined if the mount can't be
 * cloned. `mountFlags`: MS_* of mount(2).
 */
export function openInOwnMount(
  directories: readonly OpenDirectory[],
  mountFlags: number,
): readonly number[] | undefined {
  const top = commonAncestor(directories.map(({ path }) => path));
  const root = cloneMount(top, attributesOf(mountFlags), MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME);
  if (root < 0) return undefined;
  const opened = directories.map(({ path }) => openBeneath(root, relative(top, path)));
  // The clone is detached now: nothing can be mounted on it.
  closeSync(root);
  if (directories.every(({ fd }, i) => isSame(fd, opened[i] as number))) return opened;
  for (const fd of opened) if (fd >= 0) closeSync(fd);
  return undefined;
}

/** `hasOwnMount`: the upper is open in a private clone. InputError for an option that needs one. */
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
