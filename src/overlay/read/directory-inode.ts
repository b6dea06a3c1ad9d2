// DirectoryInode: a directory with an Inode object: the names that the upper adds, and the names of the tree that it hides.
//
// Positions of a listing: after "." it is 1, after ".." 2, after child i of the tree's directory 3 + i; added names follow in
// the order in which they were added. A position never changes its meaning, so a listing stays correct while names are added
// and removed. A directory that only the tree has uses the same positions, as its cookies (listing.ts).
import { S_IFDIR } from '../../vfs/attr.ts';
import type { NodeId } from '../../vfs/filesystem.ts';
import { Inode } from './inode.ts';
import { firstRound, roundAfter } from './listing-cookies.ts';

/** A name that the tree's directory does not have, or has for another inode. */
export interface AddedName {
  /** latin1. */
  readonly name: string;
  /** The position after this name. */
  readonly position: number;
  readonly isDirectory: boolean;
  /** Undefined until the name is looked up, and again after the kernel has forgotten the inode. */
  inode: Inode | undefined;
  isRemoved: boolean;
}

export class DirectoryInode extends Inode {
  /** Undefined for the root, and for a removed directory. */
  parent: DirectoryInode | undefined;
  /** Its name in `parent`, latin1. */
  name: string;
  /** False until the names in the upper have been read. */
  isLoaded = true;
  isRemoved = false;
  /** An upper directory exists: `name` in the upper directory of `parent`. */
  hasUpperDirectory = false;
  /** The upper directory is marked opaque. */
  isOpaque = false;
  /** The upper directory is marked (overlay.opaque=x): it may hold whiteouts in the form of xattrs. */
  hasXattrWhiteouts = false;
  /** The upper directory is marked as one that may hold copies (overlay.impure). */
  isImpure = false;
  /** Dentries of the tree's directory that do not show, or show another inode. */
  readonly hidden = new Set<number>();
  /** Names (latin1) of the whiteouts in the upper directory. */
  readonly whiteouts = new Set<string>();
  /** Names (latin1) in it that begin with `.wh.` and do not show, until it is converted (aufs-form.ts). */
  readonly aufsNames = new Set<string>();
  /** Opaque by a reserved name or by fuse-overlayfs's xattr. Kernel overlayfs ignores both. */
  hasAufsOpaque = false;
  readonly added = new Map<string, AddedName>();
  /** Number of added subdirectories minus that of hidden ones. */
  subdirectoryChange = 0;
  /** In order of positions. Removed names stay in it until there are many of them. */
  #order: AddedName[] = [];
  #removedCount = 0;
  /** That of the first added name. */
  readonly #firstPosition: number;
  #nextPosition: number;
  /** Of its cookies (listing-cookies.ts). */
  #round: number;
  /** Names may have been listed in this round. */
  #wasListed = true;

  /** @param childCount number of names in the tree's directory `lower`; 0 if that is -1 */
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
    this.#firstPosition = 3 + childCount;
    this.#round = firstRound(childCount);
    this.#nextPosition = this.#firstPosition;
  }

  /** Names (latin1) of upper files that the mount never shows. An upper directory that shows as empty may have some. */
  get hidingNames(): string[] {
    return [...this.whiteouts, ...this.aufsNames];
  }

  /** Must be called after such a file was removed. */
  dropHidingName(name: string): void {
    this.whiteouts.delete(name);
    this.aufsNames.delete(name);
  }

  add(name: string, isDirectory: boolean, inode: Inode | undefined): AddedName {
    const added = { name, position: this.#nextPosition++, isDirectory, inode, isRemoved: false };
    this.added.set(name, added);
    this.#order.push(added);
    this.#change();
    if (isDirectory) this.subdirectoryChange++;
    return added;
  }

  /** Removes an added name. False if there is none. */
  remove(name: string): boolean {
    const added = this.added.get(name);
    if (added === undefined) return false;
    this.added.delete(name);
    this.#change();
    added.isRemoved = true;
    added.inode = undefined;
    if (added.isDirectory) this.subdirectoryChange--;
    this.#removedCount++;
    if (this.added.size === 0) {
      // Nobody can see that positions are used again: a listing under way may miss names that are added later.
      this.#nextPosition = this.#firstPosition;
      this.#order = [];
      this.#removedCount = 0;
    } else if (this.#removedCount > 64 && this.#removedCount > this.#order.length / 2) {
      this.#order = this.#order.filter(({ isRemoved }) => !isRemoved);
      this.#removedCount = 0;
    }
    return true;
  }

  dropInode(name: string): void {
    const added = this.added.get(name);
    if (added !== undefined) added.inode = undefined;
  }

  hide(dentry: number, isDirectory: boolean): void {
    if (this.hidden.has(dentry)) return;
    this.hidden.add(dentry);
    this.#change();
    if (isDirectory) this.subdirectoryChange--;
  }

  /** Must be called when names are listed. Returns the round of their cookies. */
  beginListing(): number {
    this.#wasListed = true;
    return this.#round;
  }

  #change(): void {
    if (this.#wasListed) this.#round = roundAfter(this.#round);
    this.#wasListed = false;
  }

  /** The added names after `position`, in order. */
  *addedAfter(position: number): Generator<AddedName> {
    const order = this.#order;
    let low = 0;
    for (let high = order.length; low < high;) {
      const middle = (low + high) >>> 1;
      if ((order[middle] as AddedName).position <= position) low = middle + 1;
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
