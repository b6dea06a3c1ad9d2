// Resolves paths of a merged tree like the kernel in a chroot: symlinks never lead out of the image.
import type { Tree } from '../tree/tree.ts';
import { S_IFLNK, S_IFMT } from '../vfs/attr.ts';
import { ELOOP, ENOENT, ENOTDIR } from '../vfs/errno.ts';

export interface ResolveOptions {
  /** False: a symlink as the last component is not followed, as in lstat(2), unless a slash follows it. */
  readonly followsLast?: boolean | undefined;
}

/** The kernel's MAXSYMLINKS. */
const LINK_LIMIT = 40;

export interface ResolvedPath {
  readonly inode: number;
  /** Bytes as latin1, without a leading slash, symlinks, `.` and `..`; '' is the root. */
  readonly path: string;
}

/** The inode of a path, or a negative errno: ENOENT, ENOTDIR, ELOOP. `path`: bytes as latin1, from the root. */
export function resolvePath(tree: Tree, path: string, options: ResolveOptions = {}): number {
  const resolved = resolveToPath(tree, path, options);
  return typeof resolved === 'number' ? resolved : resolved.inode;
}

/** Like `resolvePath`, with the path that symlinks lead to. */
export function resolveToPath(
  tree: Tree,
  path: string,
  { followsLast = true }: ResolveOptions = {},
): ResolvedPath | number {
  const pending = componentsOf(path);
  let names: string[] = [];
  let inode = 0;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (!tree.isDirectory(inode)) return -ENOTDIR;
    if (name === '.') continue;
    if (name === '..') {
      inode = tree.parentOf(inode);
      names.pop();
      continue;
    }
    const found = tree.lookup(inode, Buffer.from(name, 'latin1'));
    if (found < 0) return -ENOENT;
    const isLink = (tree.modeOf(found) & S_IFMT) === S_IFLNK;
    if (!isLink || (pending.length === 0 && !followsLast)) {
      inode = found;
      names.push(name);
      continue;
    }
    if (++links > LINK_LIMIT) return -ELOOP;
    const target = Buffer.from(tree.readlink(found)).toString('latin1');
    pending.push(...componentsOf(target));
    if (!target.startsWith('/')) continue;
    inode = 0;
    names = [];
  }
  return { inode, path: names.join('/') };
}

/** The last component first. A trailing slash adds '.', since the path must then be a directory. */
function componentsOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  if (path.endsWith('/')) names.push('.');
  return names.reverse();
}
