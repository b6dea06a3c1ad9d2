// Attributes: of inodes that the tree alone doesn't answer for.
import { Stat } from '../../sys/upper-calls.ts';
import type { Tree } from '../../tree/tree.ts';
import { type Attr, S_IFCHR, S_IFMT } from '../../vfs/attr.ts';
import { ESTALE } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, UPPER_DATA } from './inode.ts';
import type { Upper } from '../upper/upper.ts';

/** What statx(2) told, as Attr. */
function readStat(stat: Float64Array, out: Attr): void {
  out.mode = stat[Stat.mode] as number;
  out.nlink = stat[Stat.nlink] as number;
  out.uid = stat[Stat.uid] as number;
  out.gid = stat[Stat.gid] as number;
  out.rdev = stat[Stat.rdev] as number;
  out.size = stat[Stat.size] as number;
  out.blocks = stat[Stat.blocks] as number;
  out.atimeSec = stat[Stat.atimeSec] as number;
  out.atimeNsec = stat[Stat.atimeNsec] as number;
  out.mtimeSec = stat[Stat.mtimeSec] as number;
  out.mtimeNsec = stat[Stat.mtimeNsec] as number;
  out.ctimeSec = stat[Stat.ctimeSec] as number;
  out.ctimeNsec = stat[Stat.ctimeNsec] as number;
  out.hasBtime = stat[Stat.hasBtime] === 1;
  out.btimeSec = stat[Stat.btimeSec] as number;
  out.btimeNsec = stat[Stat.btimeNsec] as number;
}

export class Attributes {
  readonly #tree: Tree;
  readonly #upper: Upper;

  constructor(tree: Tree, upper: Upper) {
    this.#tree = tree;
    this.#upper = upper;
  }

  /** Of a tree's inode that is pristine. */
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
    const { stat } = this.#upper;
    const status = this.#readUpper(inode);
    if (status < 0) return status;
    this.finish(inode, stat, out);
    return 0;
  }

  /** What the upper's `stat` tells of `inode`, as it shows. */
  finish(inode: Inode, stat: Float64Array, out: Attr): void {
    readStat(stat, out);
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

  #readUpper(inode: Inode): Status {
    if (inode instanceof DirectoryInode) {
      const fd = this.#upper.directoryFd(inode);
      return fd < 0 ? fd : this.#upper.statAt(fd, new Uint8Array(0));
    }
    const place = this.#upper.placeOf(inode);
    if (typeof place === 'number') return place;
    const status = this.#upper.statAt(place.dir, place.name);
    if (status < 0 || inode.dataInode === UPPER_DATA) return status;
    // The bytes are the image's. Another file that somebody put under the name must not lend them its mode.
    return this.#upper.stat[Stat.ino] === inode.upperIno ? status : -ESTALE;
  }
}
