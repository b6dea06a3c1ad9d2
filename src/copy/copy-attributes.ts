// Sets the attributes of a copy: permissions and times always; owner, set-ID bits and xattrs on request.
import * as sys from '../sys/upper-calls.ts';
import { type Tree, xattrsOf } from '../inspect/inspect.ts';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT } from '../vfs/attr.ts';
import { EINVAL, EOPNOTSUPP, EPERM, ErrnoError } from '../vfs/errno.ts';

const PERMISSIONS = 0o777;
/** Also the sticky bit, which restricts what others may do in a directory. */
const DIRECTORY_PERMISSIONS = 0o1777;
/** Also set-user-ID and set-group-ID. */
const ALL_BITS = 0o7777;

/** How attributes are copied. */
export interface AttributeChoice {
  /** True: xattrs are copied. */
  readonly keepsXattrs: boolean;
  /** True: owners are copied, and with them the set-ID bits. Only root can. */
  readonly keepsOwners: boolean;
}

/** What could not be copied. */
export interface AttributeResult {
  /** False if an owner was requested and could not be set: this user namespace may lack it. */
  readonly hasOwner: boolean;
  /** Names of xattrs that the file system refused, with a negative errno: one may be too large. */
  readonly refusedXattrs: readonly (readonly [name: Uint8Array, errno: number])[];
}

/**
 * Copies the attributes of `inode` to `name` in `directory`, or to the directory itself if `name` is empty. Throws
 * ErrnoError; `path`: for its message.
 *
 * The order matters: chown(2) changes the mode and removes capabilities, an ACL changes the mode, and every other call
 * changes the times.
 */
export function copyAttributes(
  tree: Tree,
  inode: number,
  directory: number,
  name: Uint8Array,
  choice: AttributeChoice,
  path: string,
): AttributeResult {
  const attr = new Attr();
  tree.readAttr(inode, attr);
  const { uid, gid, mode } = attr;
  let hasOwner = choice.keepsOwners;
  if (hasOwner) {
    const status = sys.chownAt(directory, name, uid, gid);
    if (status === -EPERM || status === -EINVAL) hasOwner = false;
    else check(status, 'chown', path);
  }
  const type = mode & S_IFMT;
  if (type !== S_IFLNK) {
    const bits = hasOwner ? ALL_BITS : type === S_IFDIR ? DIRECTORY_PERMISSIONS : PERMISSIONS;
    check(sys.chmodAt(directory, name, mode & bits), 'chmod', path);
  }
  const refusedXattrs: [Uint8Array, number][] = [];
  if (choice.keepsXattrs) {
    for (const [attribute, value] of xattrsOf(tree, inode)) {
      const status = sys.setxattrAt(directory, name, attribute, value, 0);
      // EPERM: only root sets some, nobody sets user xattrs of symlinks. EOPNOTSUPP: the file system has none. As in cp -a.
      if (status < 0 && status !== -EPERM && status !== -EOPNOTSUPP) refusedXattrs.push([attribute, status]);
    }
  }
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec } = attr;
  check(sys.utimensAt(directory, name, atimeSec, atimeNsec, mtimeSec, mtimeNsec), 'utimensat', path);
  return { hasOwner: hasOwner || !choice.keepsOwners, refusedXattrs };
}

/** Returns `status`, or throws it. */
export function check(status: number, call: string, path: string): number {
  if (status < 0) throw new ErrnoError(status, call, path);
  return status;
}
