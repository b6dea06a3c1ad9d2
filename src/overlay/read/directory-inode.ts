// DirectoryInode: a directory that is more than the tree's: the names that the upper adds, and those that it hides.
//
// A listing's cookies: "." is 1, ".." is 2, child i of the tree's directory 3 + i, and what was added follows in order of
// its coming. None of them ever changes its meaning, so a listing goes on rightly while names come and go; and a
// directory of the tree alone has the same (listing.ts).
import { S_IFDIR } from '../../vfs/attr.ts';
import type { NodeId } from '../../vfs/filesystem.ts';
import { Inode } from './inode.ts';

/** A name that the tree's directory has not, or has for another inode. */
export interface AddedName {
  /** latin1. */
  readonly name: string;
  /** Where a listing goes on behind the name. */
  readonly cookie: number;
  readonly isDirectory: boolean;
  /** Undefined until somebody looks, and again once the kernel forgot it. */
  inode: Inode | undefined;
  isRemoved: boolean;
}

export class DirectoryInode extends Inode {
  /** Where it stands; undefined for the root, and once it is removed. */
  parent: DirectoryInode | undefined;
  /** Its name there, latin1. */
  name: string;
  /** False while there are names in the upper that were not read yet. */
  isLoaded = true;
  isRemoved = false;
  /** There is an upper directory; where, its parent and name tell. */
  hasUpperDirectory = false;
  /** The upper directory is marked opaque, or (overlay.opaque=x) holds whiteouts in the form of xattrs. */
  isOpaque = false;
  hasXattrWhiteouts = false;
  /** The upper directory is marked as one that may hold copies (overlay.impure). */
  isImpure = false;
  /** Dentries of the tree's directory that don't show, or show another inode. */
  readonly hidden = new Set<number>();
  /** Names of whiteouts that lie in the upper directory. */
  readonly whiteouts = new Set<string>();
  /** Names (latin1) in it that begin with `.wh.`, where those don't show, until it is settled (aufs-form.ts). */
  readonly aufsNames = new Set<string>();
  /** Opaque by such a name, or by fuse-overlayfs's mark: not yet as the kernel knows it. */
  hasAufsOpaque = false;
  readonly added = new Map<string, AddedName>();
  /** Subdirectories that were added less those that were hidden. */
  subdirectoryChange = 0;
  /** In order of cookies; removed ones are taken out now and then. */
  #order: AddedName[] = [];
  #removedCount = 0;
  #nextCookie: number;

  /** @param childCount of the tree's directory `lower`; 0 where that is -1 */
  constructor(
    nodeId: NodeId,
    ino: number,
    lower: number,
    parent: DirectoryInode | undefined,
    name: string,
    childCount: number,
  ) {
    super(nodeId, ino, S_IFDIR, lower);
    this.parent = parent;
    this.name = name;
    this.#nextCookie = 3 + childCount;
  }

  add(name: string, isDirectory: boolean, inode: Inode | undefined): AddedName {
    const added = { name, cookie: this.#nextCookie++, isDirectory, inode, isRemoved: false };
    this.added.set(name, added);
    this.#order.push(added);
    if (isDirectory) this.subdirectoryChange++;
    return added;
  }

  /** Takes an added name away. False: there is none. */
  remove(name: string): boolean {
    const added = this.added.get(name);
    if (added === undefined) return false;
    this.added.delete(name);
    added.isRemoved = true;
    added.inode = undefined;
    if (added.isDirectory) this.subdirectoryChange--;
    this.#removedCount++;
    if (this.#removedCount > 64 && this.#removedCount > this.#order.length / 2) {
      this.#order = this.#order.filter(({ isRemoved }) => !isRemoved);
      this.#removedCount = 0;
    }
    return true;
  }

  hide(dentry: number, isDirectory: boolean): void {
    if (this.hidden.has(dentry)) return;
    this.hidden.add(dentry);
    if (isDirectory) this.subdirectoryChange--;
  }

  /** The added names that a listing which got as far as `cookie` has still to show, in order. */
  *addedBehind(cookie: number): Generator<AddedName> {
    const order = this.#order;
    let low = 0;
    for (let high = order.length; low < high;) {
      const middle = (low + high) >>> 1;
      if ((order[middle] as AddedName).cookie <= cookie) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < order.length; i++) {
      const added = order[i] as AddedName;
      if (!added.isRemoved) yield added;
    }
  }
}

/** True if the upper has a file or directory of its own for an inode. */
export function hasUpperFile(inode: Inode): boolean {
  return inode instanceof DirectoryInode ? inode.hasUpperDirectory : inode.hasUpper;
}
