// CopyUp of metadata: gives a new upper file what the tree's inode has, except its bytes.
import { setxattrAt, utimensAt } from '../../sys/upper-calls.ts';
import { Attr, S_IFLNK } from '../../vfs/attr.ts';
import { EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { encodeProtattr } from '../../overlayfs-format/protattr.ts';
import { encodeOrigin } from '../../overlayfs-format/origin.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

const CAPABILITY = 'security.capability';
const NO_VALUE = new Uint8Array(0);

/** Owner, mode, xattrs, origin and times of the tree's inode, in an order in which none undoes another. */
export function copyMetadata(state: CopyUpParts, lower: number, dir: number, name: Uint8Array): Status {
  const attr = new Attr();
  state.tree.readAttr(lower, attr);
  const type = state.tree.modeOf(lower) & 0o170000;
  let status = copyOwner(state, dir, name, attr);
  // chown(2) takes set-ID bits and capabilities off: it comes first. user.* attributes need a file that may be written to.
  if (status === 0) status = copyXattrs(state, lower, dir, name);
  if (status === 0) status = writeOrigin(state, lower, dir, name, type);
  if (status === 0) status = writeProtection(state, lower, dir, name);
  if (status === 0 && type !== S_IFLNK) status = state.upper.owners.changeMode(dir, name, attr.mode & 0o7777);
  if (status === 0) {
    status = utimensAt(dir, name, attr.atimeSec, attr.atimeNsec, attr.mtimeSec, attr.mtimeNsec);
  }
  return status;
}

/** EOVERFLOW where the daemon's user namespace has no such owner (chown(2): EINVAL), as ovl_copy_up_one says it. */
function copyOwner({ upper }: CopyUpParts, dir: number, name: Uint8Array, attr: Attr): Status {
  const status = upper.owners.changeOwner(dir, name, attr.uid, attr.gid);
  return status === -EINVAL ? -EOVERFLOW : status;
}

function copyXattrs(state: CopyUpParts, lower: number, dir: number, name: Uint8Array): Status {
  const { tree, upper } = state;
  const list = latin1Of(tree.listxattr(lower));
  for (const attribute of list.split('\0')) {
    if (attribute === '' || upper.isPrivateXattr(attribute)) continue;
    const value = tree.getxattr(lower, bytesOf(attribute)) ?? NO_VALUE;
    const status = setxattrAt(dir, name, bytesOf(upper.marks.toUpper(attribute)), value, 0);
    if (status < 0 && !mayBeLost(attribute, status)) return status;
  }
  return 0;
}

/** What only root may set, or the upper's file system has not, can't be kept, as kernel overlayfs has it. */
function mayBeLost(attribute: string, status: Status): boolean {
  if (status !== -EPERM && status !== -EOPNOTSUPP) return false;
  return attribute === CAPABILITY || !attribute.startsWith('user.');
}

function writeProtection({ tree, upper }: CopyUpParts, lower: number, dir: number, name: Uint8Array): Status {
  const flags = tree.protectionOf(lower);
  return flags === 0 ? 0 : upper.marks.set(dir, name, 'protattr', encodeProtattr(flags));
}

function writeOrigin(state: CopyUpParts, lower: number, dir: number, name: Uint8Array, type: number): Status {
  const { marks, identity } = state.upper;
  return marks.canMark(type) ? marks.set(dir, name, 'origin', encodeOrigin(identity, lower)) : 0;
}
