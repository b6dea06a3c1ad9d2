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
import { METADATA, copyUp } from '../copy-up/copy-up.ts';
import { hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseMarked } from './protection.ts';
import { upperPlace } from './set-attributes.ts';
import { hiddenXattrs, hidesXattr } from '../upper/shown-whiteout.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';

const ACL_PREFIX = 'system.posix_acl_';
const ACCESS_ACL = 'system.posix_acl_access';

function upperName(state: OverlayState, name: Uint8Array): Buffer {
  return bytesOf(state.upper.marks.toUpper(latin1Of(name)));
}

/** The value, or a negative errno. */
export function getXattr(state: OverlayState, inode: Inode, name: Uint8Array): Uint8Array | number {
  if (!hasUpperFile(inode)) return state.tree.getxattr(inode.lower, name) ?? -ENODATA;
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  if (state.upper.isPrivateXattr(latin1Of(name)) || hidesXattr(state.upper.marks, place, name))
    return -ENODATA;
  const value = getxattrAt(place.dir, place.name, upperName(state, name));
  if (typeof value === 'number' || latin1Of(name) !== ACCESS_ACL) return value;
  return state.upper.owners.showAcl(place.dir, place.name, value);
}

/** Names, each ended by NUL; no marks among them. */
export function listXattrs(state: OverlayState, inode: Inode): Uint8Array | number {
  if (!hasUpperFile(inode)) return state.tree.listxattr(inode.lower);
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  const list = listxattrAt(place.dir, place.name);
  const { upper } = state;
  if (typeof list === 'number' || !upper.mayHideXattrs(list)) return list;
  const names = latin1Of(list.subarray(0, -1)).split('\0');
  const hidden = hiddenXattrs(upper.marks, place);
  return bytesOf(
    names
      .filter((name) => name !== '' && !upper.isPrivateXattr(name))
      .map((name) => upper.marks.toShown(name))
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
  if (state.upper.isPrivateXattr(latin1Of(lentName))) return -EPERM;
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
  let status = setxattrAt(place.dir, place.name, upperName(state, name), value, flags);
  if (status === 0 && latin1Of(name) === ACCESS_ACL) {
    status = upper.owners.adoptAclMode(place.dir, place.name);
  }
  if (status < 0 || !dropsSetgid) return status;
  const stat = upper.statAt(place.dir, place.name);
  if (typeof stat === 'number' || (stat.mode & S_ISGID) === 0) return 0;
  return upper.owners.changeMode(place.dir, place.name, stat.mode & ~S_IFMT & ~S_ISGID);
}

/** An ACL that isn't there is removed without an error (vfs_remove_acl, fs/posix_acl.c). */
const missing = (name: Uint8Array): Status => (latin1Of(name).startsWith(ACL_PREFIX) ? 0 : -ENODATA);

export function removeXattr(
  state: OverlayState,
  inode: Inode,
  lentName: Uint8Array,
  call: Call,
): MaybePromise<Status> {
  if (state.upper.isPrivateXattr(latin1Of(lentName))) return -ENODATA;
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
