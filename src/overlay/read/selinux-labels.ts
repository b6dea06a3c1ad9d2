// An image without SELinux labels says that it supports none: `ls -l`, which asks about each file and whose questions no
// kernel caches, then asks once.
import type { Tree } from '../../tree/tree.ts';
import { ENODATA, EOPNOTSUPP } from '../../vfs/errno.ts';

const SELINUX = 'security.selinux';
const SELINUX_NAME = Buffer.from(SELINUX);

/** Whether any inode of the image has one. */
export function hasSelinuxLabels(tree: Tree): boolean {
  return tree.mentionsXattr(SELINUX);
}

/** What getxattr(2) answers where there is no attribute `name`. */
export function missingXattr(name: Uint8Array, hasLabels: boolean): number {
  return !hasLabels && SELINUX_NAME.equals(name) ? -EOPNOTSUPP : -ENODATA;
}
