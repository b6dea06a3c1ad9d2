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

/** Copies everything except the inode number: the mount has its own. */
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
    this.show(inode, stat, out);
    return 0;
  }

  /** Fills `out` with the attributes that an inode shows if its upper file has `stat` (with the owner that shows). */
  show(inode: Inode, stat: FileStat, out: Attr): void {
    copyStat(stat, out);
    out.ino = inode.ino;
    if (inode.sharedEntry !== undefined) out.nlink = inode.sharedLinks;
    if (inode instanceof DirectoryInode) {
      // The upper's link count doesn't include the subdirectories that only the tree has.
      if (inode.lower >= 0 && !inode.isRemoved) {
        out.nlink = this.#tree.linkCountOf(inode.lower) + inode.subdirectoryChange;
      }
    } else if (inode.type === S_IFCHR) {
      // The upper may store it as a regular file (shown-whiteout.ts).
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
    // The bytes come from the image. If the upper file was replaced from outside, they must not show with the other file's mode.
    return stat.ino === inode.upperIno ? stat : -ESTALE;
  }
}
