// override_stat: the xattr with the owner and mode of a file whose inode can't have them.
//
// fuse-overlayfs with xattr_permissions=, and containers/storage with force_mask, write it on regular files and
// directories as "UID:GID:MODE[:TYPE]": decimal, decimal, octal. fuse-overlayfs 1.10 leaves bits of the file type in MODE,
// which say nothing. TYPE is dir, file, pipe, socket, block-MAJOR-MINOR or char-MAJOR-MINOR: what can't be made lies there
// as a regular file. It counts only in a layer whose root has one.
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  makeRdev,
  rdevMajor,
  rdevMinor,
} from '../vfs/attr.ts';
import { latin1Of } from '../vfs/names.ts';

export const PRIVILEGED_OVERRIDE = 'security.fuseoverlayfs.override_stat';
export const CONTAINERS_OVERRIDE = 'user.containers.override_stat';
export const USER_OVERRIDE = 'user.fuseoverlayfs.override_stat';

/** fuse-overlayfs's own marks in an upper: "y"; the path from which a file was copied up, NUL at its end. */
export const FUSE_OVERLAYFS_OPAQUE = 'user.fuseoverlayfs.opaque';
export const FUSE_OVERLAYFS_ORIGIN = 'user.fuseoverlayfs.origin';

/** In the order in which fuse-overlayfs looks for them on the root of a layer (1.14 and later). */
export const OVERRIDE_NAMES = [PRIVILEGED_OVERRIDE, CONTAINERS_OVERRIDE, USER_OVERRIDE] as const;
export type OverrideName = (typeof OVERRIDE_NAMES)[number];

/** What a file is to show. */
export interface OverrideStat {
  readonly uid: number;
  readonly gid: number;
  /** File type and permission bits. */
  readonly mode: number;
  /** As Attr.rdev; 0 for other files. */
  readonly rdev: number;
}

const FORM = /^(-?\d{1,10}):(-?\d{1,10}):([0-7]{1,7})(?::([a-z]+)(?:-(\d{1,4})-(\d{1,7}))?)?$/;
const ID_LIMIT = 0xffffffff;

const plainTypes: ReadonlyMap<string, number> = new Map([
  ['dir', S_IFDIR],
  ['file', S_IFREG],
  ['pipe', S_IFIFO],
  ['socket', S_IFSOCK],
]);
const deviceTypes: ReadonlyMap<string, number> = new Map([
  ['block', S_IFBLK],
  ['char', S_IFCHR],
]);

/** True for a regular file and a directory: nothing else is overridden. */
export function canOverride(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFREG || type === S_IFDIR;
}

/**
 * What an override of a file of `mode` says; undefined where it is malformed, or names a type that a file of that
 * type can't stand for.
 */
export function parseOverride(value: Uint8Array, mode: number): OverrideStat | undefined {
  const match = FORM.exec(latin1Of(value));
  if (match === null) return undefined;
  const [, uid = '', gid = '', permissions = '', type, major, minor] = match;
  const ids = [uid, gid].map(parseId);
  const parsedType = parseType(type, major, minor, mode & S_IFMT);
  const [shownUid = -1, shownGid = -1] = ids;
  if (shownUid < 0 || shownGid < 0 || parsedType === undefined) return undefined;
  return {
    uid: shownUid,
    gid: shownGid,
    mode: parsedType.type | (Number.parseInt(permissions, 8) & 0o7777),
    rdev: parsedType.rdev,
  };
}

/** printf's %d, by which fuse-overlayfs writes them, makes the upper half negative; -1 is none. */
function parseId(text: string): number {
  const id = Number(text);
  const unsigned = id < 0 ? id + 2 ** 32 : id;
  return unsigned >= 0 && unsigned < ID_LIMIT ? unsigned : -1;
}

function parseType(
  name: string | undefined,
  major: string | undefined,
  minor: string | undefined,
  stored: number,
): { readonly type: number; readonly rdev: number } | undefined {
  if (name === undefined) return { type: stored, rdev: 0 };
  const device = deviceTypes.get(name);
  if (device !== undefined) {
    if (major === undefined || minor === undefined || stored !== S_IFREG) return undefined;
    return { type: device, rdev: makeRdev(Number(major), Number(minor)) };
  }
  const type = plainTypes.get(name);
  if (type === undefined || major !== undefined) return undefined;
  return (type === S_IFDIR) === (stored === S_IFDIR) ? { type, rdev: 0 } : undefined;
}

/** The value for a file that lies there with type `stored` (S_IFMT bits): it includes the type if that is another. */
export function formatOverride({ uid, gid, mode, rdev }: OverrideStat, stored: number): Buffer {
  const type = mode & S_IFMT;
  const suffix = type === stored ? '' : `:${nameType(type, rdev)}`;
  return Buffer.from(`${uid | 0}:${gid | 0}:${(mode & 0o7777).toString(8)}${suffix}`);
}

function nameType(type: number, rdev: number): string {
  for (const [name, each] of plainTypes) if (each === type) return name;
  return `${type === S_IFBLK ? 'block' : 'char'}-${rdevMajor(rdev)}-${rdevMinor(rdev)}`;
}

/** True for an attribute (latin1) that belongs to who keeps owners so, and never shows. */
export function isOverrideAttribute(name: string): boolean {
  return (
    name === CONTAINERS_OVERRIDE ||
    name.startsWith('user.fuseoverlayfs.') ||
    name.startsWith('security.fuseoverlayfs.')
  );
}
