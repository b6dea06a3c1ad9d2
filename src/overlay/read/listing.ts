// Lists a directory of the tree. The offset after "." is 1, after ".." 2, after child i 3 + i. Children never change their
// place, so seekdir and telldir stay correct over any number of buffers.
import type { Tree } from '../../tree/tree.ts';
import type { DirectorySink, Entry, NodeId } from '../../vfs/filesystem.ts';

const DOTS = Uint8Array.of(0x2e, 0x2e);
const NO_NODE = 0 as NodeId;
/** The value of libfuse's FUSE_UNKNOWN_INO. */
const UNKNOWN_INO = 0xffff_ffff;

/** Makes `entry` that of a name that exists but can't be looked up: the kernel looks it up, and gets the error. */
export function fillUnresolved(mode: number, entry: Entry): void {
  entry.nodeId = NO_NODE;
  entry.attr.ino = UNKNOWN_INO;
  entry.attr.mode = mode;
}

/** Adds the names after `cookie` in directory `inode` of the tree, until the sink is full. Overwrites `entry`. */
export function listDirectory(
  tree: Tree,
  inode: number,
  cookie: number,
  sink: DirectorySink,
  entry: Entry,
): void {
  const { attr } = entry;
  entry.generation = 0;
  for (let dots = cookie + 1; dots <= 2; dots++) {
    const directory = dots === 1 ? inode : tree.parentOf(inode);
    entry.nodeId = NO_NODE;
    attr.ino = directory + 1;
    attr.mode = tree.modeOf(directory);
    if (!sink.add(DOTS, 0, dots, dots, entry)) return;
  }
  const first = tree.firstChild(inode);
  const count = tree.childCount(inode);
  for (let i = Math.max(0, cookie - 2); i < count; i++) {
    const dentry = first + i;
    const child = tree.dentryInode(dentry);
    if (sink.wantsAttributes && tree.isForbidden(child)) fillUnresolved(tree.modeOf(child), entry);
    else {
      if (sink.wantsAttributes) tree.readAttr(child, attr);
      else attr.mode = tree.modeOf(child);
      attr.ino = child + 1;
      entry.nodeId = (child + 1) as NodeId;
    }
    if (!sink.add(tree.namePool, tree.nameStart(dentry), tree.nameEnd(dentry), 3 + i, entry)) return;
  }
}
