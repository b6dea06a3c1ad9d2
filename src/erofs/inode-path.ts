// The path of an inode, for messages. It scans the whole tree.
import type { Tree } from '../tree/tree.ts';
import { bytesOf } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';

/** A path of `inode` from the root, without a leading slash, escaped for messages. */
export function showPathOf(tree: Tree, inode: number): string {
  const names: string[] = [];
  for (let current = inode; current !== 0;) {
    const dentry = findDentryOf(tree, current);
    names.unshift(tree.nameOf(dentry));
    current = directoryOf(tree, dentry);
  }
  return showName(bytesOf(names.join('/')));
}

function findDentryOf(tree: Tree, inode: number): number {
  for (let dentry = 0; dentry < tree.dentryCount; dentry++) {
    if (tree.dentryInode(dentry) === inode) return dentry;
  }
  throw new Error(`inode ${inode} has no name`);
}

function directoryOf(tree: Tree, dentry: number): number {
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    if (!tree.isDirectory(inode)) continue;
    const first = tree.firstChild(inode);
    if (dentry >= first && dentry < first + tree.childCount(inode)) return inode;
  }
  throw new Error(`dentry ${dentry} is in no directory`);
}
