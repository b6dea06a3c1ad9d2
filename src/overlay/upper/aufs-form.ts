// The names and xattrs of AUFS's form, as fuse-overlayfs writes it: `.wh.NAME` hides NAME of the layers, `.wh..wh..opq` all names
// of its directory, and user.fuseoverlayfs.opaque does the same. fuse-overlayfs writes names where it can't make a 0:0 device.
//
// They have this meaning only if the root of the upper has our mark for this form. A directory is converted to the kernel's form
// before its first change (aufs-conversion.ts).
import { closeSync, constants } from 'node:fs';
import { openBeneath } from '../../sys/file-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import {
  DIRECTORY_FLAGS,
  DT_DIR,
  DT_REG,
  DT_UNKNOWN,
  NO_NAME,
  O_PATH,
  getxattrAt,
  listNames,
  openAt,
} from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { S_IFREG } from '../../vfs/attr.ts';
import { PATH_MAX, bytesOf, latin1Of } from '../../vfs/names.ts';
import { FUSE_OVERLAYFS_OPAQUE, FUSE_OVERLAYFS_ORIGIN } from '../../overlayfs-format/override-stat.ts';
import { NameKind, OPAQUE_NAME, WHITEOUT_PREFIX, kindOfName } from '../../overlayfs-format/whiteout-names.ts';
import type { NameForm } from './name-form.ts';

const OPAQUE_ATTRIBUTE = Buffer.from(FUSE_OVERLAYFS_OPAQUE);
const ORIGIN_ATTRIBUTE = Buffer.from(FUSE_OVERLAYFS_ORIGIN);
const SLASH = Buffer.from('/');
const YES = 0x79;

export const aufsNames: NameForm = {
  isReserved: (name) => kindOfName(name, 0, name.length) !== NameKind.plain,

  isOpaque: (dir, name) => {
    if (typeof statAt(dir, Buffer.concat([WHITEOUT_PREFIX, name])) !== 'number') return true;
    const value = getxattrAt(dir, name, OPAQUE_ATTRIBUTE);
    if (typeof value !== 'number' && value[0] === YES) return true;
    const fd = openAt(dir, name, O_PATH | constants.O_DIRECTORY);
    if (fd < 0) return false;
    const found = statAt(fd, OPAQUE_NAME);
    closeSync(fd);
    return typeof found !== 'number';
  },

  readOrigin: (dir, name) => {
    const value = getxattrAt(dir, name, ORIGIN_ATTRIBUTE);
    return typeof value === 'number' ? undefined : latin1Of(value).replace(/\0$/, '');
  },
};

/** The name that the reserved name `.wh.NAME` hides; undefined for all other reserved names. */
export function hiddenBy(reserved: Uint8Array): Uint8Array | undefined {
  const isWhiteout = kindOfName(reserved, 0, reserved.length) === NameKind.whiteout;
  return isWhiteout && reserved.length > WHITEOUT_PREFIX.length
    ? reserved.subarray(WHITEOUT_PREFIX.length)
    : undefined;
}

/** The names (latin1) that a directory with these reserved names hides. */
export function hiddenNames(reserved: Iterable<string>): string[] {
  return [...reserved].flatMap((name) => {
    const hidden = hiddenBy(bytesOf(name));
    return hidden === undefined ? [] : [latin1Of(hidden)];
  });
}

/**
 * True if an upper without our mark was written by fuse-overlayfs in this form: it holds a `.wh..wh..opq`, or an empty regular
 * file `.wh.NAME` of mode 0700. Reads the names of all its directories until it finds one.
 */
export function holdsAufsNames(upperFd: number): boolean {
  const pending: Uint8Array[] = [NO_NAME];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    // A directory that has been removed meanwhile, or whose path is too long, is skipped.
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

/** True if the directory `fd` holds such a name. Otherwise its subdirectories are added to `pending`. */
function addDirectories(fd: number, path: Uint8Array, pending: Uint8Array[]): boolean {
  const names = listNames(fd);
  if (typeof names === 'number') return false;
  for (const { type, name } of unpackNames(names)) {
    if (isMarker(fd, name, type)) return true;
    const isDirectory = type === DT_DIR || type === DT_UNKNOWN;
    if (isDirectory && path.length + 1 + name.length < PATH_MAX) {
      pending.push(path.length === 0 ? Buffer.from(name) : Buffer.concat([path, SLASH, name]));
    }
  }
  return false;
}

function isMarker(dir: number, name: Buffer, type: number): boolean {
  if (type !== DT_REG && type !== DT_UNKNOWN) return false;
  const kind = kindOfName(name, 0, name.length);
  if (kind !== NameKind.whiteout && kind !== NameKind.opaque) return false;
  const stat = statAt(dir, name);
  return typeof stat !== 'number' && stat.mode === (S_IFREG | 0o700) && stat.size === 0;
}
