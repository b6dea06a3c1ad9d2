// Extended attributes of inodes that have an object: of the upper where they have an upper file, else of the tree.
import {
  XATTR_CREATE,
  XATTR_REPLACE,
  getxattrAt,
  listxattrAt,
  removexattrAt,
  setxattrAt,
} from '../../sys/upper-calls.ts';
import { S_IFMT, S_ISGID } from '../../vfs/attr.ts';
import { EEXIST, ENODATA, EPERM } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { METADATA, copyUp } from '../copy-up/copy-data.ts';
import { hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseMarked } from './protection.ts';
import { upperPlace } from './set-attributes.ts';
import { hiddenXattrs, hidesXattr } from './shown-whiteout.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { isOverrideAttribute } from '../../overlayfs-format/override-stat.ts';
import { HAS_TRUSTED_MARKS } from '../../overlayfs-format/trusted-marks.ts';
import type { Place } from '../upper/upper.ts';

const ACL_PREFIX = 'system.posix_acl_';
const ACCESS_ACL = 'system.posix_acl_access';
/** The first entry's permissions (linux/posix_acl_xattr.h: u32 version; u16 tag, u16 permissions, u32 ID): the owner's. */
const ACL_OWNER_PERMISSIONS = 6;

function upperName(state: OverlayState, name: Uint8Array): Buffer {
  return bytesOf(state.upper.marks.toUpper(latin1Of(name)));
}

/** The value, or a negative errno. */
export function getXattr(state: OverlayState, inode: Inode, name: Uint8Array): Uint8Array | number {
  if (!hasUpperFile(inode)) return state.tree.getxattr(inode.lower, name) ?? -ENODATA;
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  if (isPrivate(state, name) || hidesXattr(state.upper.marks, place, name)) return -ENODATA;
  const value = getxattrAt(place.dir, place.name, upperName(state, name));
  return typeof value === 'number' || latin1Of(name) !== ACCESS_ACL ? value : showAcl(state, place, value);
}

/** True for the mark of vfs/trusted-marks.ts, and for what keeps owners (vfs/override-stat.ts) where users may not see or set it. */
function isPrivate(state: OverlayState, name: Uint8Array): boolean {
  const text = latin1Of(name);
  return text === HAS_TRUSTED_MARKS || (state.upper.hidesOverrides && isOverrideAttribute(text));
}

/** Where owners are kept aside, an inode's own owner may do more than the one that shows. */
function showAcl({ upper }: OverlayState, { dir, name }: Place, value: Buffer): Buffer | number {
  if (upper.keptOwners === undefined || value.length <= ACL_OWNER_PERMISSIONS) return value;
  const stat = upper.statAt(dir, name);
  if (typeof stat === 'number') return stat;
  value.writeUInt16LE((stat.mode >> 6) & 7, ACL_OWNER_PERMISSIONS);
  return value;
}

/** Names, each ended by NUL; no marks among them. */
export function listXattrs(state: OverlayState, inode: Inode): Uint8Array | number {
  if (!hasUpperFile(inode)) return state.tree.listxattr(inode.lower);
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  const list = listxattrAt(place.dir, place.name);
  const { marks, hidesOverrides } = state.upper;
  if (typeof list === 'number' || (!hidesOverrides && !list.includes(marks.prefix, 0, 'latin1'))) return list;
  const names = latin1Of(list.subarray(0, -1)).split('\0');
  const hidden = hiddenXattrs(marks, place);
  return bytesOf(
    names
      .filter((name) => name !== '' && !(hidesOverrides && isOverrideAttribute(name)))
      .map((name) => marks.toShown(name))
      .flatMap((name) => (name === undefined || hidden.includes(name) ? [] : [`${name}\0`]))
      .join(''),
  );
}

export function setXattr(
  state: OverlayState,
  inode: Inode,
  lentName: Uint8Array,
  lentValue: Uint8Array,
  flags: number,
  dropsSetgid: boolean,
  call: Call,
): MaybePromise<Status> {
  if (isPrivate(state, lentName)) return -EPERM;
  const refused = refuseMarked(inode);
  if (refused < 0) return refused;
  if (!hasUpperFile(inode)) {
    const exists = state.tree.getxattr(inode.lower, lentName) !== undefined;
    if (exists && (flags & XATTR_CREATE) !== 0) return -EEXIST;
    if (!exists && (flags & XATTR_REPLACE) !== 0) return -ENODATA;
  }
  const copied = copyUp(state, inode, METADATA, call);
  if (typeof copied === 'number') {
    return copied < 0 ? copied : setUpper(state, inode, lentName, lentValue, flags, dropsSetgid);
  }
  const name = Buffer.from(lentName);
  const value = Buffer.from(lentValue);
  return copied.then((status) =>
    status < 0 ? status : setUpper(state, inode, name, value, flags, dropsSetgid),
  );
}

function setUpper(
  state: OverlayState,
  inode: Inode,
  name: Uint8Array,
  value: Uint8Array,
  flags: number,
  dropsSetgid: boolean,
): Status {
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  // An attribute may take blocks.
  state.changed.add(inode);
  const { upper } = state;
  const { keptOwners } = upper;
  let status = setxattrAt(place.dir, place.name, upperName(state, name), value, flags);
  if (status === 0 && keptOwners !== undefined && latin1Of(name) === ACCESS_ACL) {
    status = upper.asOwner(place.dir, place.name, () => keptOwners.adoptMode(place.dir, place.name));
  }
  if (status < 0 || !dropsSetgid) return status;
  const stat = upper.statAt(place.dir, place.name);
  if (typeof stat === 'number' || (stat.mode & S_ISGID) === 0) return 0;
  return upper.changeMode(place.dir, place.name, stat.mode & ~S_IFMT & ~S_ISGID);
}

/** An ACL that isn't there is removed without an error (vfs_remove_acl, fs/posix_acl.c). */
const missing = (name: Uint8Array): Status => (latin1Of(name).startsWith(ACL_PREFIX) ? 0 : -ENODATA);

export function removeXattr(
  state: OverlayState,
  inode: Inode,
  lentName: Uint8Array,
  call: Call,
): MaybePromise<Status> {
  if (isPrivate(state, lentName)) return -ENODATA;
  const refused = refuseMarked(inode);
  if (refused < 0) return refused;
  if (!hasUpperFile(inode) && state.tree.getxattr(inode.lower, lentName) === undefined) {
    return missing(lentName);
  }
  const name = upperName(state, lentName);
  const copied = copyUp(state, inode, METADATA, call);
  const remove = (status: Status): Status => {
    if (status < 0) return status;
    const place = upperPlace(state, inode);
    if (typeof place === 'number') return place;
    state.changed.add(inode);
    const removed = removexattrAt(place.dir, place.name, name);
    return removed === -ENODATA ? missing(name) : removed;
  };
  return typeof copied === 'number' ? remove(copied) : copied.then(remove);
}
