// An upper in the form of AUFS, as fuse-overlayfs has one: `.wh.NAME` hides NAME of the layers, `.wh..wh..opq` all of its
// directory's names, and user.fuseoverlayfs.opaque says the same. It writes them where it can make no 0:0 device, and the
// second beside overlay.opaque always.
//
// They are obeyed where the upper's root is marked so, and nowhere else: in kernel overlayfs's form a file that is called
// `.wh.x` is a file. What is changed is brought to the kernel's form first, a directory at a time: so all else of this
// folder knows that form alone.
import { closeSync, constants } from 'node:fs';
import { openBeneath } from '../../sys/file-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import {
  DIRECTORY_FLAGS,
  DT_DIR,
  DT_REG,
  DT_UNKNOWN,
  getxattrAt,
  listNames,
  openAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EISDIR, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { PATH_MAX, bytesOf, latin1Of } from '../../vfs/names.ts';
import { FUSE_OVERLAYFS_OPAQUE, FUSE_OVERLAYFS_ORIGIN } from '../../overlayfs-format/override-stat.ts';
import { NameKind, OPAQUE_NAME, WHITEOUT_PREFIX, kindOfName } from '../../overlayfs-format/whiteout-names.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { NO_NAME, O_PATH, type Upper } from './upper.ts';

const OPAQUE_ATTRIBUTE = Buffer.from(FUSE_OVERLAYFS_OPAQUE);
const ORIGIN_ATTRIBUTE = Buffer.from(FUSE_OVERLAYFS_ORIGIN);
const SLASH = Buffer.from('/');
const YES = 0x79;

/** True for a name that never shows in an upper of that form, and that no user can make there. */
export function isAufsName(upper: Upper, name: Uint8Array): boolean {
  return upper.isAufsForm && kindOfName(name, 0, name.length) !== NameKind.plain;
}

/** The name that `.wh.NAME` hides; undefined for what is no whiteout. */
function hiddenBy(name: Uint8Array): Uint8Array | undefined {
  return kindOfName(name, 0, name.length) === NameKind.whiteout && name.length > WHITEOUT_PREFIX.length
    ? name.subarray(WHITEOUT_PREFIX.length)
    : undefined;
}

/** The names (latin1) that a directory hides, once all its `.wh.` names are known. */
export function* hiddenNames({ aufsNames }: DirectoryInode): Generator<string> {
  for (const name of aufsNames) {
    const hidden = hiddenBy(bytesOf(name));
    if (hidden !== undefined) yield latin1Of(hidden);
  }
}

/** True where the directory `name` of `dir` hides what the layers have there. */
export function isAufsOpaque(dir: number, name: Uint8Array): boolean {
  if (typeof statAt(dir, Buffer.concat([WHITEOUT_PREFIX, name])) !== 'number') return true;
  const value = getxattrAt(dir, name, OPAQUE_ATTRIBUTE);
  if (typeof value !== 'number' && value[0] === YES) return true;
  const fd = openAt(dir, name, O_PATH | constants.O_DIRECTORY);
  if (fd < 0) return false;
  const found = statAt(fd, OPAQUE_NAME);
  closeSync(fd);
  return typeof found !== 'number';
}

/** What fuse-overlayfs says that a file is a copy of: a path from the root of the layers, latin1. */
export function readAufsOrigin(dir: number, name: Uint8Array): string | undefined {
  const value = getxattrAt(dir, name, ORIGIN_ATTRIBUTE);
  return typeof value === 'number' ? undefined : latin1Of(value).replace(/\0$/, '');
}

/**
 * Brings an upper directory (`dir`) to the kernel's form: the new marks and whiteouts are made before the old ones are
 * removed. `hasLower`: whether the tree's directory has a name.
 */
export function convertAufsMarkers(
  upper: Upper,
  directory: DirectoryInode,
  dir: number,
  hasLower: (name: Uint8Array) => boolean,
): Status {
  if (directory.hasAufsOpaque) {
    const status = upper.marks.setOpaque(dir, NO_NAME);
    if (status < 0) return status;
    directory.hasAufsOpaque = false;
  }
  for (const name of directory.aufsNames) {
    const bytes = bytesOf(name);
    const hidden = hiddenBy(bytes);
    // AUFS's bookkeeping stays.
    if (hidden === undefined && !OPAQUE_NAME.equals(bytes)) continue;
    let status = hidden === undefined ? 0 : hideAsKernel(upper, directory, dir, hidden, hasLower);
    if (status === 0) status = unlinkAt(dir, bytes);
    // So does a directory: what hides may be of any type.
    if (status === -EISDIR) continue;
    if (status < 0 && status !== -ENOENT) return status;
    directory.aufsNames.delete(name);
  }
  return 0;
}

function hideAsKernel(
  upper: Upper,
  directory: DirectoryInode,
  dir: number,
  name: Uint8Array,
  hasLower: (name: Uint8Array) => boolean,
): Status {
  const found = upper.statStoredAt(dir, name);
  if (typeof found !== 'number') {
    // What the upper has there hides a lower file by itself.
    return (found.mode & S_IFMT) === S_IFDIR ? upper.marks.setOpaque(dir, name) : 0;
  }
  if (found !== -ENOENT) return found;
  if (!hasLower(name)) return 0;
  let status = upper.prepareWhiteout(directory, dir);
  if (status === 0) status = upper.linkWhiteout(dir, name);
  if (status === 0) directory.whiteouts.add(latin1Of(name));
  return status;
}

/**
 * True where an upper that nobody marked holds what fuse-overlayfs leaves: a `.wh..wh..opq`, or an empty regular file
 * `.wh.NAME` of mode 0700, as it makes both. Reads the names of all its directories, until one is found.
 */
export function holdsAufsNames(upperFd: number): boolean {
  const pending: Uint8Array[] = [NO_NAME];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    // What lies too deep for a path, or is gone, tells nothing.
    const fd = openBeneath(upperFd, path, DIRECTORY_FLAGS);
    if (fd < 0) continue;
    try {
      if (addDirectories(fd, path, pending)) return true;
    } finally {
      closeSync(fd);
    }
  }
  return false;
}

/** True as soon as such a name is met; else all directories of `fd` are added to `pending`. */
function addDirectories(fd: number, path: Uint8Array, pending: Uint8Array[]): boolean {
  const names = listNames(fd);
  if (typeof names === 'number') return false;
  for (let at = 0; at < names.length;) {
    const type = names[at] as number;
    const end = at + 2 + (names[at + 1] as number);
    const name = names.subarray(at + 2, end);
    if (isMade(fd, name, type)) return true;
    const isDirectory = type === DT_DIR || type === DT_UNKNOWN;
    if (isDirectory && path.length + 1 + name.length < PATH_MAX) {
      pending.push(path.length === 0 ? Buffer.from(name) : Buffer.concat([path, SLASH, name]));
    }
    at = end;
  }
  return false;
}

function isMade(dir: number, name: Buffer, type: number): boolean {
  if (type !== DT_REG && type !== DT_UNKNOWN) return false;
  const kind = kindOfName(name, 0, name.length);
  if (kind !== NameKind.whiteout && kind !== NameKind.opaque) return false;
  const stat = statAt(dir, name);
  return typeof stat !== 'number' && stat.mode === (S_IFREG | 0o700) && stat.size === 0;
}
