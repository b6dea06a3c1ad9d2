// Walks a merged tree from the top: a directory precedes its content, names are in bytewise order.
import type { Tree } from '../tree/tree.ts';

export interface WalkedName {
  readonly inode: number;
  /** Bytes; begins with the path of the directory in which the walk began. */
  readonly path: Uint8Array;
}

/** The entries of a directory that are not visited yet. */
interface Frame {
  readonly path: Uint8Array;
  next: number;
  readonly end: number;
}

const SLASH = Buffer.from('/');

/** All descendants of directory `inode`, without itself. `path`: of the directory, without a leading slash. */
export function* walkTree(tree: Tree, inode: number, path: Uint8Array): Generator<WalkedName, void> {
  const frameOf = (directory: number, at: Uint8Array): Frame => {
    const next = tree.firstChild(directory);
    return { path: at, next, end: next + tree.childCount(directory) };
  };
  const frames = [frameOf(inode, path)];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.next === frame.end) {
      frames.pop();
      continue;
    }
    const dentry = frame.next++;
    const child = tree.dentryInode(dentry);
    const name = tree.namePool.subarray(tree.nameStart(dentry), tree.nameEnd(dentry));
    const childPath = frame.path.length === 0 ? name : Buffer.concat([frame.path, SLASH, name]);
    yield { inode: child, path: childPath };
    if (tree.isDirectory(child)) frames.push(frameOf(child, childPath));
  }
}
