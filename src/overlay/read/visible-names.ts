// The names by which the mount currently shows a lower inode.
import type { Tree } from '../../tree/tree.ts';
import type { TreeNames } from '../../tree/tree-names.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Directories } from './directories.ts';
import type { DirectoryInode } from './directory-inode.ts';

/** A name (latin1) in a directory of the mount. */
export interface VisibleName {
  readonly directory: DirectoryInode;
  readonly name: string;
}

/** The tables in which visibleNames looks names up. */
export interface NameTables {
  readonly tree: Tree;
  readonly names: TreeNames;
  readonly directories: Directories;
}

/** The names of the tree's inode `lower` that are neither hidden nor in a removed directory; or a negative errno. */
export function visibleNames(
  { tree, names, directories }: NameTables,
  lower: number,
): VisibleName[] | number {
  const visible: VisibleName[] = [];
  for (const dentry of names.dentriesOf(lower)) {
    const directory = directories.getLower(names.directoryOf(dentry));
    if (directory === -ENOENT) continue;
    if (typeof directory === 'number') return directory;
    if (!directory.isRemoved && !directory.hidden.has(dentry)) {
      visible.push({ directory, name: tree.nameOf(dentry) });
    }
  }
  return visible;
}
