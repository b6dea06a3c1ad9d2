// The size of a mount's writable layer, counted like that of a docker container: the bytes of files and of symlink
// targets, each inode once, without whiteouts and directories. Holes count. A file of which only the attributes were
// copied up counts in full, since docker's copy-up copies the whole file.
import type { LayerIndex } from '../layer/layer-index.ts';
import { DentryKind } from '../layer/layer-index.ts';
import type { Tree } from '../tree/tree.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { pathsBeneath } from './compare-trees.ts';

/** True if an upper has moved directories that still have content in lower layers. */
export function hasMoved(upper: LayerIndex): boolean {
  for (const inode of upper.redirects?.keys() ?? []) {
    if (((upper.mode[inode] as number) & S_IFMT) === S_IFDIR) return true;
  }
  return false;
}

/** Bytes of the files in an upper: its whole size, unless it `hasMoved`. */
export function sizeOfUpper(upper: LayerIndex): number {
  let size = 0;
  for (let inode = 0; inode < upper.inodeCount; inode++) {
    size += countedSize(upper.mode[inode] as number, upper.size[inode] as number);
  }
  return size;
}

/**
 * The size of an upper that `hasMoved`. `tree`: all layers merged, with the upper as the topmost. The content of a moved
 * directory counts, since docker can't rename such a directory and mv copies it.
 */
export function sizeWithMoved(upper: LayerIndex, tree: Tree): number {
  const written = new Set<number>();
  const waiting = [{ inode: 0, shown: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const first = upper.firstChild[next.inode] as number;
    const end = first + (upper.childCount[next.inode] as number);
    for (let dentry = first; dentry < end; dentry++) {
      if (upper.dentryKind[dentry] !== DentryKind.inode) continue;
      const inode = upper.dentryTarget[dentry] as number;
      const start = upper.nameOffset[dentry] as number;
      const name = upper.pool.subarray(start, start + (upper.nameLength[dentry] as number));
      const shown = tree.lookup(next.shown, name);
      if (shown < 0) continue;
      if (!tree.isDirectory(shown)) written.add(shown);
      else if (upper.redirects?.has(inode) !== true) waiting.push({ inode, shown });
      else for (const beneath of pathsBeneath(tree, '', shown)) written.add(beneath.inode);
    }
  }
  let size = 0;
  for (const inode of written) size += countedSize(tree.modeOf(inode), tree.sizeOf(inode));
  return size;
}

function countedSize(mode: number, size: number): number {
  const type = mode & S_IFMT;
  return type === S_IFREG || type === S_IFLNK ? size : 0;
}
