// Attributes: reads the attributes of inodes that the tree alone does not answer for.
import { NO_NAME } from '../../sys/upper-calls.ts';
import type { FileStat } from '../../sys/stat-at.ts';
import type { Tree } from '../../tree/tree.ts';
import { type Attr, S_IFCHR, S_IFMT } from '../../vfs/attr.ts';
import { ESTALE } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, UPPER_DATA } from './inode.ts';
import type { Upper } from '../upper/upper.ts';

/** All but the inode number, which is the mount's own. */
function copyStat(stat: FileStat, out: Attr): void {
  out.mode = stat.mode;
  out.nlink = stat.nlink;
  out.uid = stat.uid;
  out.gid = stat.gid;
  out.rdev = stat.rdev;
  out.size = stat.size;
  out.blocks = stat.blocks;
  out.atimeSec = stat.atimeSec;
  out.atimeNsec = stat.atimeNsec;
  out.mtimeSec = stat.mtimeSec;
  out.mtimeNsec = stat.mtimeNsec;
  out.ctimeSec = stat.ctimeSec;
  out.ctimeNsec = stat.ctimeNsec;
  out.hasBtime = stat.hasBtime;
  out.btimeSec = stat.btimeSec;
  out.btimeNsec = stat.btimeNsec;
}

export class Attributes {
  readonly #tree: Tree;
  readonly #upper: Upper;

  constructor(tree: Tree, upper: Upper) {
    this.#tree = tree;
    this.#upper = upper;
  }

  /** Reads those of a pristine inode of the tree. */
  readLower(lower: number, out: Attr): void {
    this.#tree.readAttr(lower, out);
    out.ino = lower + 1;
    out.hasBtime = false;
    out.btimeSec = 0;
    out.btimeNsec = 0;
  }

  read(inode: Inode, out: Attr): Status {
    const isDirectory = inode instanceof DirectoryInode;
    if (isDirectory ? !inode.hasUpperDirectory : !inode.hasUpper) {
      this.readLower(inode.lower, out);
      if (isDirectory) out.nlink = inode.isRemoved ? 0 : out.nlink + inode.subdirectoryChange;
      else out.nlink -= inode.lostNames;
      return 0;
    }
    const stat = this.#statUpper(inode);
    if (typeof stat === 'number') return stat;
    this.#show(inode, stat, out);
    return 0;
  }

  /** What an inode shows whose upper file has the attributes `stat`. */
  #show(inode: Inode, stat: FileStat, out: Attr): void {
    copyStat(stat, out);
    out.ino = inode.ino;
    if (inode.sharedEntry !== undefined) out.nlink = inode.sharedLinks;
    if (inode instanceof DirectoryInode) {
      // The names that a directory of the tree has are not in the upper's count.
      if (inode.lower >= 0 && !inode.isRemoved) {
        out.nlink = this.#tree.linkCountOf(inode.lower) + inode.subdirectoryChange;
      }
    } else if (inode.type === S_IFCHR) {
      // A regular file where the upper has it as shown-whiteout.ts says.
      out.mode = (out.mode & ~S_IFMT) | S_IFCHR;
    } else if (inode.dataInode !== UPPER_DATA) {
      out.blocks = inode.dataInode < 0 ? 0 : this.#tree.blocksOf(inode.dataInode);
    }
  }

  #statUpper(inode: Inode): FileStat | number {
    if (inode instanceof DirectoryInode) {
      const fd = this.#upper.directoryFd(inode);
      return fd < 0 ? fd : this.#upper.statAt(fd, NO_NAME);
    }
    const place = this.#upper.placeOf(inode);
    if (typeof place === 'number') return place;
    const stat = this.#upper.statAt(place.dir, place.name);
    if (typeof stat === 'number' || inode.dataInode === UPPER_DATA) return stat;
    // The bytes are the image's. Another file that somebody put under the name must not lend them its mode.
    return stat.ino === inode.upperIno ? stat : -ESTALE;
  }
}
