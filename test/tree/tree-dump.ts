// Shows a Tree as plain objects by path, so that tests can compare it with what they expect.
import type { Tree } from '../../src/tree/tree.ts';
import { Attr } from '../../src/vfs/attr.ts';

export interface DumpedInode {
  ino: number;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  nlink: number;
  rdev: number;
  layer: number;
  target: string;
  xattrs: Record<string, string>;
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The inode at a path (latin1, no leading slash; the root is ''), or -1, by lookup alone. */
export function resolve(tree: Tree, path: string): number {
  let inode = 0;
  for (const name of path === '' ? [] : path.split('/')) {
    if (!tree.isDirectory(inode)) return -1;
    inode = tree.lookup(inode, Buffer.from(name, 'latin1'));
    if (inode < 0) return -1;
  }
  return inode;
}

export function dumpInode(tree: Tree, inode: number): DumpedInode {
  const attr = new Attr();
  tree.readAttr(inode, attr);
  const { mode, uid, gid, nlink, rdev } = attr;
  const isLink = (mode & 0o170000) === 0o120000;
  const names = latin1(tree.listxattr(inode)).split('\0').slice(0, -1);
  return {
    ino: inode,
    mode,
    uid,
    gid,
    size: attr.size,
    mtime: attr.mtimeSec + attr.mtimeNsec / 1e9,
    nlink,
    rdev,
    layer: tree.layerOf(inode),
    target: isLink ? latin1(tree.readlink(inode)) : '',
    xattrs: Object.fromEntries(
      names.map((name) => [name, latin1(tree.getxattr(inode, Buffer.from(name, 'latin1')) as Uint8Array)]),
    ),
  };
}

/** Every path of the tree, found by listing; checks on the way that lookup and parentOf agree with the listing. */
export function dumpTree(tree: Tree): Map<string, DumpedInode> {
  const dump = new Map([['', dumpInode(tree, 0)]]);
  const waiting: [string, number][] = [['', 0]];
  for (const [path, directory] of waiting) {
    const first = tree.firstChild(directory);
    for (let dentry = first; dentry < first + tree.childCount(directory); dentry++) {
      const name = tree.namePool.subarray(tree.nameStart(dentry), tree.nameEnd(dentry));
      const child = tree.dentryInode(dentry);
      const childPath = path === '' ? latin1(name) : `${path}/${latin1(name)}`;
      if (tree.lookup(directory, name) !== child)
        throw new Error(`lookup of ${childPath} differs from the listing`);
      dump.set(childPath, dumpInode(tree, child));
      if (!tree.isDirectory(child)) continue;
      if (tree.parentOf(child) !== directory) throw new Error(`${childPath} has another parent`);
      waiting.push([childPath, child]);
    }
  }
  return dump;
}

export function paths(tree: Tree): string[] {
  return [...dumpTree(tree).keys()].slice(1).sort();
}
