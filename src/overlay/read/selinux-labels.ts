// If no inode of an image has an SELinux label, the mount doesn't support security.selinux at all: after EOPNOTSUPP, `ls -l` makes
// no further request, instead of one per file. The kernel doesn't cache these requests.
import type { Tree } from '../../tree/tree.ts';
import { ENODATA, EOPNOTSUPP } from '../../vfs/errno.ts';
import { latin1Of } from '../../vfs/names.ts';

const SELINUX = 'security.selinux';

/** The xattr that a mount of this image doesn't support; '' for none. */
export function unsupportedXattr(tree: Tree): string {
  return tree.mentionsXattr(SELINUX) ? '' : SELINUX;
}

/** The errno of getxattr(2) for a missing xattr. `unsupported`: see `unsupportedXattr`. */
export function missingXattr(name: Uint8Array, unsupported: string): number {
  return unsupported !== '' && latin1Of(name) === unsupported ? -EOPNOTSUPP : -ENODATA;
}
