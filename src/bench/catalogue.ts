// The catalogue of a stack: the files of its merged tree, from which the workloads choose paths.
import type { Tree } from '../tree/tree.ts';
import { Attr, S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';

export interface CatalogueEntry {
  /** Relative to the root; bytes as latin1. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'other';
  /** Bytes of a file. */
  readonly size: number;
  /** The layer that holds it, from 1 at the base. */
  readonly layer: number;
}

/** The user whose permissions count: a mount enforces the owners and modes of the image. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
}

const READ = 4;
const SEARCH = 1;

/** Everything below the root that `caller` can reach and read; for root, everything. */
export function catalogueOf(tree: Tree, caller: Caller): CatalogueEntry[] {
  const may = (inode: number, rights: number): boolean => isAllowed(tree, inode, rights, caller);
  const entries: CatalogueEntry[] = [];
  const waiting: { inode: number; prefix: string }[] = [{ inode: 0, prefix: '' }];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const first = tree.firstChild(directory.inode);
    for (let dentry = first; dentry < first + tree.childCount(directory.inode); dentry++) {
      const inode = tree.dentryInode(dentry);
      const path = directory.prefix + tree.nameOf(dentry);
      const type = tree.modeOf(inode) & S_IFMT;
      const layer = tree.layerOf(inode) + 1;
      if (type === S_IFDIR) {
        if (!may(inode, READ | SEARCH)) continue;
        entries.push({ path, kind: 'directory', size: 0, layer });
        waiting.push({ inode, prefix: `${path}/` });
      } else if (type !== S_IFREG) entries.push({ path, kind: 'other', size: 0, layer });
      else if (may(inode, READ)) entries.push({ path, kind: 'file', size: tree.sizeOf(inode), layer });
    }
  }
  return entries;
}

function isAllowed(tree: Tree, inode: number, rights: number, { uid, gid }: Caller): boolean {
  if (uid === 0) return true;
  const attr = new Attr();
  tree.readAttr(inode, attr);
  const shift = attr.uid === uid ? 6 : attr.gid === gid ? 3 : 0;
  return ((attr.mode >> shift) & rights) === rights;
}
