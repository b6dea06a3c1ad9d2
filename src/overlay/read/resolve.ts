// Resolver: decides what a file of the upper is: a copy of a lower inode, a directory merged with a lower one, or new.
//
// The upper is hostile: its marks count only if they fit the tree. A lower inode has one object; a second file that claims it is
// a new inode. A mark that leads to another file is followed only if every user who could have set it had a right to that file
// (overlayfs-format/user-marks.ts). A file that can't be shown without its mark is EPERM, as in kernel overlayfs with `userxattr`.
import type { Tree } from '../../tree/tree.ts';
import type { TreeNames } from '../../tree/tree-names.ts';
import { S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EPERM } from '../../vfs/errno.ts';
import type { NodeId } from '../../vfs/filesystem.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, LOST_DATA, UPPER_DATA } from './inode.ts';
import type { Inodes } from './inodes.ts';
import type { Marks } from '../upper/marks.ts';
import { decodeOrigin, encodeOrigin } from '../../overlayfs-format/origin.ts';
import { type Upper } from '../upper/upper.ts';
import { bytesOf } from '../../vfs/names.ts';

/** Marks without those that are not followed. */
interface FollowableMarks extends Marks {
  /** False if the file can only be a copy of the lower file of the same name. */
  readonly isFollowed: boolean;
}

export class Resolver {
  readonly #tree: Tree;
  readonly #names: () => TreeNames;
  readonly #upper: Upper;
  readonly #inodes: Inodes;

  constructor(tree: Tree, names: () => TreeNames, upper: Upper, inodes: Inodes) {
    this.#tree = tree;
    this.#names = names;
    this.#upper = upper;
    this.#inodes = inodes;
  }

  /** The name of a tree's directory in its parent. */
  nameOf(lower: number): string {
    const dentry = this.dentryOf(lower);
    return dentry < 0 ? '' : this.#tree.nameOf(dentry);
  }

  /** The dentry of a tree's directory; -1 for the root. */
  dentryOf(lower: number): number {
    return this.#names().dentriesOf(lower)[0] ?? -1;
  }

  isWhiteout(directory: DirectoryInode, name: Uint8Array): boolean {
    const fd = this.#upper.directoryFd(directory);
    const stat = fd < 0 ? fd : this.#upper.statStoredAt(fd, name);
    if (typeof stat === 'number') return false;
    const type = stat.mode & S_IFMT;
    if (type === S_IFCHR) return stat.rdev === 0;
    if (!directory.hasXattrWhiteouts || type !== S_IFREG || stat.size !== 0) return false;
    const marks = this.#upper.readMarks(fd, name);
    return typeof marks !== 'number' && marks.isWhiteout;
  }

  /** The inode under `name` in the upper directory; `lower` is the tree's inode of the same name, or -1. */
  resolve(directory: DirectoryInode, name: string, lower: number): Inode | number {
    const fd = this.#upper.directoryFd(directory);
    if (fd < 0) return fd;
    const bytes = bytesOf(name);
    const stat = this.#upper.statAt(fd, bytes);
    if (typeof stat === 'number') return stat;
    const stored = stat.mode & S_IFMT;
    const upperIno = stat.ino;
    if (stored !== S_IFDIR) {
      const linked = this.#inodes.findUpper(upperIno);
      if (linked !== undefined && maySayType(stored, linked.type)) {
        linked.upperNames.push({ directory, name });
        return linked;
      }
    }
    const found = this.#upper.readMarks(fd, bytes);
    if (typeof found === 'number') return found;
    const type = stored === S_IFREG && stat.size === 0 && found.isShownWhiteout ? S_IFCHR : stored;
    const marks = this.#followable(directory, fd, bytes, stored, found);
    if (typeof marks === 'number') return marks;
    if (type !== S_IFDIR) return this.#resolveFile(directory, name, type, upperIno, marks, lower);
    if (marks.opaque === 'y' || !this.#upper.names.isOpaque(fd, bytes)) {
      return this.#resolveDirectory(directory, name, upperIno, marks, lower);
    }
    const opaque = this.#resolveDirectory(directory, name, upperIno, { ...marks, opaque: 'y' }, lower);
    opaque.hasAufsOpaque = true;
    return opaque;
  }

  /**
   * `marks` without those that must not be followed, and with fuse-overlayfs's origin. -EPERM if the file can't be shown without
   * the others.
   */
  #followable(
    parent: DirectoryInode,
    dir: number,
    name: Uint8Array,
    type: number,
    marks: Marks,
  ): FollowableMarks | number {
    if (type === S_IFDIR) {
      if (marks.redirect === undefined || marks.opaque === 'y') return { ...marks, isFollowed: true };
      if (this.#upper.followsMarks(dir, name)) return { ...marks, isFollowed: true };
      // Such a directory shows nothing of lower layers, so the mark has no meaning.
      return parent.lower < 0 ? { ...marks, redirect: undefined, isFollowed: false } : -EPERM;
    }
    const origin = marks.origin ?? this.#aufsOriginOf(dir, name);
    const isUsed = origin !== undefined || marks.isMetacopy || !this.#upper.marks.canMark(type);
    if (!isUsed || this.#upper.followsMarks(dir, name)) return { ...marks, origin, isFollowed: true };
    if (marks.isMetacopy && type === S_IFREG) return -EPERM;
    return { ...marks, origin, redirect: undefined, isFollowed: false };
  }

  /** The origin that fuse-overlayfs has written, in our format; undefined if there is none, or its path does not exist. */
  #aufsOriginOf(dir: number, name: Uint8Array): Buffer | undefined {
    const path = this.#upper.names.readOrigin(dir, name);
    const lower = path === undefined ? -1 : this.#followPath(path.split('/'));
    return lower < 0 ? undefined : Buffer.from(encodeOrigin(this.#upper.identity, lower));
  }

  #resolveDirectory(
    parent: DirectoryInode,
    name: string,
    upperIno: number,
    marks: Marks,
    sameName: number,
  ): DirectoryInode {
    const merged = this.#mergedDirectory(parent, marks, sameName);
    const isTaken = merged >= 0 && this.#inodes.get((merged + 1) as NodeId) !== undefined;
    const directory = this.#inodes.addDirectory(isTaken ? -1 : merged, upperIno, parent, name);
    directory.hasUpperDirectory = true;
    directory.isLoaded = false;
    directory.isOpaque = marks.opaque === 'y';
    directory.hasXattrWhiteouts = marks.opaque === 'x';
    directory.isImpure = marks.isImpure;
    directory.protection = marks.protection;
    return directory;
  }

  /** The tree's directory that an upper directory is merged with, or -1. */
  #mergedDirectory(parent: DirectoryInode, marks: Marks, sameName: number): number {
    if (marks.opaque === 'y') return -1;
    if (marks.redirect === undefined) {
      return sameName >= 0 && this.#tree.isDirectory(sameName) ? sameName : -1;
    }
    const found = this.#followRedirect(parent, marks.redirect);
    return found > 0 && this.#tree.isDirectory(found) ? found : -1;
  }

  #resolveFile(
    directory: DirectoryInode,
    name: string,
    type: number,
    upperIno: number,
    marks: FollowableMarks,
    sameName: number,
  ): Inode {
    const lower = this.#originOf(directory, marks, type, sameName);
    const existing = lower < 0 ? undefined : this.#inodes.get((lower + 1) as NodeId);
    const inode =
      lower < 0 || existing?.hasUpper === true
        ? this.#inodes.addUpper(type, upperIno)
        : this.#inodes.getLower(lower);
    inode.dataInode =
      marks.isMetacopy && type === S_IFREG ? this.#dataOf(directory, marks, sameName) : UPPER_DATA;
    inode.protection = marks.protection;
    this.#inodes.addName(inode, { directory, name }, upperIno);
    return inode;
  }

  /** The tree's inode that a file is a copy of, or -1. Found by our origin, or by the path if another program wrote it. */
  #originOf(directory: DirectoryInode, marks: FollowableMarks, type: number, sameName: number): number {
    if (marks.origin === undefined || !marks.isFollowed) {
      // A file that can't have user.* attributes has no origin: only its name counts.
      const isCopy = marks.origin !== undefined || !this.#upper.marks.canMark(type);
      if (!isCopy || sameName < 0 || !this.#hasType(sameName, type)) return -1;
      // The other names of a hard-linked inode, in directories of other users, would show the file too.
      return marks.isFollowed || this.#tree.linkCountOf(sameName) === 1 ? sameName : -1;
    }
    let lower = decodeOrigin(this.#upper.identity, marks.origin);
    if (lower < 0 || lower >= this.#tree.inodeCount) lower = this.#pathOf(directory, marks, sameName);
    return lower >= 0 && this.#hasType(lower, type) ? lower : -1;
  }

  #hasType(lower: number, type: number): boolean {
    return (this.#tree.modeOf(lower) & S_IFMT) === type;
  }

  #pathOf(directory: DirectoryInode, marks: Marks, sameName: number): number {
    return marks.redirect === undefined ? sameName : this.#followRedirect(directory, marks.redirect);
  }

  #dataOf(directory: DirectoryInode, marks: Marks, sameName: number): number {
    const byPath = this.#pathOf(directory, marks, sameName);
    const origin = marks.origin === undefined ? -1 : decodeOrigin(this.#upper.identity, marks.origin);
    for (const found of [byPath, origin]) {
      if (found >= 0 && found < this.#tree.inodeCount && this.#hasType(found, S_IFREG)) {
        return found;
      }
    }
    return LOST_DATA;
  }

  /** overlay.redirect: an absolute path in the lower tree, or a name in the lower directory of `parent`. */
  #followRedirect(parent: DirectoryInode, redirect: string): number {
    if (!redirect.startsWith('/')) {
      return parent.lower < 0 ? -1 : this.#tree.lookup(parent.lower, bytesOf(redirect));
    }
    return this.#followPath(redirect.slice(1).split('/'));
  }

  /** From the root of the lower tree; -1 if the path does not exist. */
  #followPath(components: readonly string[]): number {
    let at = 0;
    for (const component of components) {
      if (component === '' || component === '.' || component === '..' || !this.#tree.isDirectory(at))
        return -1;
      at = this.#tree.lookup(at, bytesOf(component));
      if (at < 0) return -1;
    }
    return at;
  }
}

/** True if the types match. A file that shows as a character device may be stored as a regular file (shown-whiteout.ts). */
function maySayType(stored: number, shown: number): boolean {
  return stored === shown || (stored === S_IFREG && shown === S_IFCHR);
}
