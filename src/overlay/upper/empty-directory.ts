// Empties a directory, whatever users have put there: trees of any depth, paths longer than PATH_MAX, directories without
// search permission, immutable files.
//
// Directories that lie deeper are first moved up into the directory itself, so two descriptors suffice at any depth. No symlink
// is followed, and no mount point is entered.
import { closeSync, constants } from 'node:fs';
import {
  DT_DIR,
  DT_REG,
  chmodAt,
  getFlags,
  listNames,
  openAt,
  renameAt,
  rmdirAt,
  setFlags,
  unlinkAt,
  RENAME_NOREPLACE,
  DIRECTORY_FLAGS,
} from '../../sys/upper-calls.ts';
import { type ListedName, unpackNames } from '../../sys/packed-names.ts';
import { EEXIST } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { PROTECTION_FLAGS } from '../../vfs/inode-flags.ts';

/** Returns 0, or the negative errno of the first file that can't be removed. `fd` stays open. */
export function emptyDirectory(fd: number): Status {
  let moved = 0;
  const moveUp = (from: number, name: Uint8Array): Status => {
    for (;;) {
      const status = renameAt(from, name, fd, Buffer.from(`#removed.${moved++}`), RENAME_NOREPLACE);
      if (status !== -EEXIST) return status;
    }
  };
  for (;;) {
    const names = namesOf(fd);
    if (typeof names === 'number') return names;
    if (names.length === 0) return 0;
    for (const entry of names) {
      const status =
        entry.type === DT_DIR
          ? removeDirectory(fd, entry, moveUp)
          : insist(fd, entry, () => unlinkAt(fd, entry.name));
      if (status < 0) return status;
    }
  }
}

/** Removes a directory of `fd`. The directories in it are moved up to `fd`. */
function removeDirectory(
  fd: number,
  entry: ListedName,
  moveUp: (from: number, name: Uint8Array) => Status,
): Status {
  const directory = insist(fd, entry, () => openAt(fd, entry.name, DIRECTORY_FLAGS));
  if (directory < 0) return directory;
  try {
    const children = namesOf(directory);
    if (typeof children === 'number') return children;
    for (const child of children) {
      const status = insist(directory, child, () =>
        insist(fd, entry, () =>
          child.type === DT_DIR ? moveUp(directory, child.name) : unlinkAt(directory, child.name),
        ),
      );
      if (status < 0) return status;
    }
  } finally {
    closeSync(directory);
  }
  return rmdirAt(fd, entry.name);
}

/** If `remove` fails, clears the file's mode restrictions and its flags of chattr(1), and tries again. */
function insist(dir: number, entry: ListedName, remove: () => Status): Status {
  const status = remove();
  if (status >= 0 || (entry.type !== DT_DIR && entry.type !== DT_REG)) return status;
  unprotect(dir, entry);
  return remove();
}

/** Errors are ignored: the next attempt reports them. */
function unprotect(dir: number, entry: ListedName): void {
  clearFlags(dir, entry);
  chmodAt(dir, entry.name, 0o700);
  // The file may have been unreadable until chmod(2).
  clearFlags(dir, entry);
}

function clearFlags(dir: number, { type, name }: ListedName): void {
  const fd = openAt(dir, name, type === DT_DIR ? DIRECTORY_FLAGS : constants.O_RDONLY);
  if (fd < 0) return;
  const flags = getFlags(fd);
  if (flags > 0 && (flags & PROTECTION_FLAGS) !== 0) setFlags(fd, flags & ~PROTECTION_FLAGS);
  closeSync(fd);
}

function namesOf(fd: number): ListedName[] | number {
  const list = listNames(fd);
  return typeof list === 'number' ? list : [...unpackNames(list)];
}
