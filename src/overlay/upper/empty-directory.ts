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
import { EEXIST } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { PROTECTION_FLAGS } from '../../vfs/inode-flags.ts';

interface Name {
  readonly type: number;
  readonly bytes: Uint8Array;
}

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
    for (const name of names) {
      const status =
        name.type === DT_DIR
          ? removeDirectory(fd, name, moveUp)
          : insist(fd, name, () => unlinkAt(fd, name.bytes));
      if (status < 0) return status;
    }
  }
}

/** Removes a directory of `fd`. The directories in it are moved up to `fd`. */
function removeDirectory(fd: number, name: Name, moveUp: (from: number, name: Uint8Array) => Status): Status {
  const directory = insist(fd, name, () => openAt(fd, name.bytes, DIRECTORY_FLAGS));
  if (directory < 0) return directory;
  try {
    const children = namesOf(directory);
    if (typeof children === 'number') return children;
    for (const child of children) {
      const status = insist(directory, child, () =>
        insist(fd, name, () =>
          child.type === DT_DIR ? moveUp(directory, child.bytes) : unlinkAt(directory, child.bytes),
        ),
      );
      if (status < 0) return status;
    }
  } finally {
    closeSync(directory);
  }
  return rmdirAt(fd, name.bytes);
}

/** If `remove` fails, clears the file's mode restrictions and its flags of chattr(1), and tries again. */
function insist(dir: number, name: Name, remove: () => Status): Status {
  const status = remove();
  if (status >= 0 || (name.type !== DT_DIR && name.type !== DT_REG)) return status;
  unprotect(dir, name);
  return remove();
}

/** Errors are ignored: the next attempt reports them. */
function unprotect(dir: number, name: Name): void {
  clearFlags(dir, name);
  chmodAt(dir, name.bytes, 0o700);
  // The file may have been unreadable until chmod(2).
  clearFlags(dir, name);
}

function clearFlags(dir: number, { type, bytes }: Name): void {
  const fd = openAt(dir, bytes, type === DT_DIR ? DIRECTORY_FLAGS : constants.O_RDONLY);
  if (fd < 0) return;
  const flags = getFlags(fd);
  if (flags > 0 && (flags & PROTECTION_FLAGS) !== 0) setFlags(fd, flags & ~PROTECTION_FLAGS);
  closeSync(fd);
}

function namesOf(fd: number): Name[] | number {
  const list = listNames(fd);
  if (typeof list === 'number') return list;
  const names: Name[] = [];
  for (let at = 0; at < list.length;) {
    const end = at + 2 + (list[at + 1] as number);
    names.push({ type: list[at] as number, bytes: list.subarray(at + 2, end) });
    at = end;
  }
  return names;
}
