// Gives a new upper file the metadata of a lower inode.
import { setxattrAt, utimensAt } from '../../sys/upper-calls.ts';
import { Attr, S_IFLNK, S_IFMT } from '../../vfs/attr.ts';
import { EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { encodeProtattr } from '../../overlayfs-format/protattr.ts';
import { encodeOrigin } from '../../overlayfs-format/origin.ts';
import type { Place, Upper } from '../upper/upper.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

type MetadataParts = Pick<CopyUpParts, 'tree' | 'upper'>;

const CAPABILITY = 'security.capability';
const NO_VALUE = new Uint8Array(0);

/**
 * Copies owner, xattrs, mode and times of the tree's inode `lower` to the file at `place`, and marks its origin and its protection. The order
 * matters: chown(2) drops set-ID bits and capabilities, and a user.* xattr can only be set while the file is writable.
 */
export function copyMetadata(parts: MetadataParts, lower: number, place: Place): Status {
  const attr = new Attr();
  parts.tree.readAttr(lower, attr);
  const type = attr.mode & S_IFMT;
  const { upper } = parts;
  const { dir, name } = place;
  let status = copyOwner(upper, place, attr);
  if (status === 0) status = copyXattrs(parts, lower, place);
  if (status === 0) status = markOrigin(upper, lower, place, type);
  if (status === 0) status = markProtection(parts, lower, place);
  if (status === 0 && type !== S_IFLNK) status = upper.owners.changeMode(dir, name, attr.mode & 0o7777);
  if (status === 0) {
    status = utimensAt(dir, name, attr.atimeSec, attr.atimeNsec, attr.mtimeSec, attr.mtimeNsec);
  }
  return status;
}

/** EOVERFLOW, as in ovl_copy_up_one, if the daemon's user namespace has no such owner (chown(2) fails with EINVAL). */
function copyOwner(upper: Upper, { dir, name }: Place, attr: Attr): Status {
  const status = upper.owners.changeOwner(dir, name, attr.uid, attr.gid);
  return status === -EINVAL ? -EOVERFLOW : status;
}

function copyXattrs({ tree, upper }: MetadataParts, lower: number, { dir, name }: Place): Status {
  const list = latin1Of(tree.listxattr(lower));
  for (const attribute of list.split('\0')) {
    if (attribute === '' || upper.isPrivateXattr(attribute)) continue;
    const value = tree.getxattr(lower, bytesOf(attribute)) ?? NO_VALUE;
    const status = setxattrAt(dir, name, bytesOf(upper.marks.toUpper(attribute)), value, 0);
    if (status < 0 && !mayBeLost(attribute, status)) return status;
  }
  return 0;
}

/** Like kernel overlayfs: an xattr is dropped if only root may set it, or if the upper's file system does not support it. */
function mayBeLost(attribute: string, status: Status): boolean {
  if (status !== -EPERM && status !== -EOPNOTSUPP) return false;
  return attribute === CAPABILITY || !attribute.startsWith('user.');
}

function markProtection({ tree, upper }: MetadataParts, lower: number, { dir, name }: Place): Status {
  const flags = tree.protectionOf(lower);
  return flags === 0 ? 0 : upper.marks.set(dir, name, 'protattr', encodeProtattr(flags));
}

function markOrigin({ marks, identity }: Upper, lower: number, { dir, name }: Place, type: number): Status {
  return marks.canMark(type) ? marks.set(dir, name, 'origin', encodeOrigin(identity, lower)) : 0;
}
