// A path that a user selects, to copy it: its inode, and the name that it has elsewhere.
import type { Tree } from '../tree/tree.ts';
import { bytesOf } from '../vfs/names.ts';
import { resolvePath, type ResolveOptions } from './resolve-path.ts';

export interface SelectedPath {
  readonly inode: number;
  /** Its last name, bytes; undefined for the root and for a path that ends in `.` or `..`: the content of the directory. */
  readonly name: Uint8Array | undefined;
}

/** `path`: bytes as latin1, from the root. Returns a negative errno like `resolvePath`. */
export function selectPath(tree: Tree, path: string, options: ResolveOptions = {}): SelectedPath | number {
  const inode = resolvePath(tree, path, options);
  if (inode < 0) return inode;
  const last = path.split('/').findLast((name) => name !== '') ?? '.';
  return { inode, name: last === '.' || last === '..' ? undefined : bytesOf(last) };
}
