// Upper: the directory that takes writes, and the work directory in which things are made before they appear.
//
// Files are named by the descriptor of their directory (O_PATH, kept in an LRU, opened by the component from the
// parent's) and a name. Everything here is on disk only: what the mount shows is kept by inodes.ts and directories.ts.
import { LRUCache } from 'lru-cache';
import { closeSync, constants } from 'node:fs';
import {
  KEEP_ID,
  accessDirectory,
  chmodAt,
  chownAt,
  createAt,
  linkAt,
  mknodAt,
  openAt,
  renameAt,
  tmpfileAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, EINVAL, EMLINK, ENOENT, EOPNOTSUPP, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { UpperDirectory, UpperInode } from './upper-inode.ts';
import type { KeptOwners } from './kept-owners.ts';
import type { Marks, MarkSpace } from './marks.ts';
import { withOwnerAccess } from './owner-access.ts';
import { bytesOf } from '../../vfs/names.ts';

// O_PATH is not in node:fs; its value is the same on all of Linux's architectures that Node runs on.
export const O_PATH = 0o10000000;
const AS_OWNER = constants.O_RDONLY | constants.O_NOATIME | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const DIRECTORY_FLAGS = O_PATH | constants.O_DIRECTORY;
/** Descriptors of directories kept open. */
const DIRECTORY_LIMIT = 1000;
export const NO_NAME = new Uint8Array(0);
const WHITEOUT_NAME = Buffer.from('#whiteout');
/** overlay.opaque of a directory that has whiteouts in the form of xattrs; any value does for overlay.whiteout. */
const HOLDS_XATTR_WHITEOUTS = Buffer.from('x');
const HOLDS_COPIES = Buffer.from('y');

/** Where an upper inode lies: a name in a directory, or, with an empty name, the descriptor itself. */
export interface Place {
  readonly dir: number;
  readonly name: Uint8Array;
}

/** What is done about access times beyond what the kernel does for the descriptors (atime.ts). */
export interface AtimeRules {
  /** Added to the flags of every open of a regular file. */
  readonly openFlags: number;
  /** Listing a directory moves its atime. */
  readonly countsListings: boolean;
}

/** What mounting decided about an upper. */
export interface UpperOptions {
  /**
   * Descriptors of the upper directory, of W and of W/work, owned by the Upper from now on; the first two are locked.
   * The other two are -1 where nothing is to be written.
   */
  readonly upperFd: number;
  readonly baseFd: number;
  readonly workFd: number;
  /** Owned too, and only closed: they hold the locks, and keep the mount of the upper busy. */
  readonly heldFds: readonly number[];
  readonly atime: AtimeRules;
  readonly marks: MarkSpace;
  /** 16 bytes that name the tree: an origin of another counts for nothing. */
  readonly identity: Uint8Array;
  /** Nothing is synced while it is used. */
  readonly isVolatile: boolean;
  /** A volatile one is synced when it ends in order, and then has no mark any more. */
  readonly syncsAtEnd?: boolean;
  /** Metadata alone may be copied up. */
  readonly usesMetacopy: boolean;
  /** Lower directories may be renamed. */
  readonly usesRedirect: boolean;
  /** All are shown as one user's, or one group's, so an owner that can't be stored is no failure. */
  readonly squashesUsers: boolean;
  readonly squashesGroups: boolean;
  /** Undefined: inodes have the owners and modes that show. */
  readonly keptOwners: KeptOwners | undefined;
  /** Names that begin with `.wh.` are whiteouts, and never show (aufs-form.ts). */
  readonly isAufsForm: boolean;
  /** The attributes that keep owners never show, nor are they set by users, whether this upper has them or not. */
  readonly hidesOverrides: boolean;
}

export class Upper {
  readonly marks: MarkSpace;
  readonly identity: Uint8Array;
  readonly isVolatile: boolean;
  readonly syncsAtEnd: boolean;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  readonly keptOwners: KeptOwners | undefined;
  readonly isAufsForm: boolean;
  readonly hidesOverrides: boolean;
  readonly #atime: AtimeRules;
  readonly #heldFds: readonly number[];
  readonly #squashesUsers: boolean;
  readonly #squashesGroups: boolean;
  readonly upperFd: number;
  readonly workFd: number;
  /** W. */
  readonly baseFd: number;
  /** W/stratafs-links, once it is open (shared-copies.ts); else -1. */
  linksFd = -1;
  /** No permission bits of the upper stop this process, or it must not change them. */
  readonly isPrivileged: boolean;
  readonly #directories = new LRUCache<UpperDirectory, number>({
    max: DIRECTORY_LIMIT,
    dispose: (fd) => closeSync(fd),
  });
  #stagedCount = 0;
  #hasWhiteout = false;
  /** Where no 0:0 device can be made, whiteouts are xattrs. */
  #whiteoutForm: 'device' | 'xattr' = 'device';
  #hasTmpfile = true;

  constructor(options: UpperOptions) {
    this.upperFd = options.upperFd;
    this.baseFd = options.baseFd;
    this.workFd = options.workFd;
    this.#heldFds = options.heldFds;
    this.#atime = options.atime;
    this.marks = options.marks;
    this.identity = options.identity;
    this.isVolatile = options.isVolatile;
    this.syncsAtEnd = options.syncsAtEnd ?? false;
    // What the next mount would not follow is not written.
    this.usesMetacopy = options.usesMetacopy && options.marks.mayFollow;
    this.usesRedirect = options.usesRedirect && options.marks.mayFollow;
    this.#squashesUsers = options.squashesUsers;
    this.#squashesGroups = options.squashesGroups;
    this.keptOwners = options.keptOwners;
    this.isAufsForm = options.isAufsForm;
    this.hidesOverrides = options.hidesOverrides;
    this.isPrivileged = process.geteuid?.() === 0 || options.workFd < 0;
  }

  /** A descriptor of a directory that has an upper one: lent, good until some other is asked for; or a negative errno. */
  directoryFd(directory: UpperDirectory): number {
    if (directory.upperFd >= 0) return directory.upperFd;
    if (directory.parent === undefined) return directory.isRemoved ? -ENOENT : this.upperFd;
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const parent = this.directoryFd(directory.parent);
    if (parent < 0) return parent;
    const fd = openAt(parent, bytesOf(directory.name), DIRECTORY_FLAGS);
    if (fd >= 0) this.#directories.set(directory, fd);
    return fd;
  }

  /** The descriptor of a directory is no longer needed. */
  forgetDirectory(directory: UpperDirectory): void {
    this.#directories.delete(directory);
  }

  /** Where an inode that has an upper file lies; a negative errno where that can't be reached. */
  placeOf(inode: UpperInode): Place | number {
    if (inode.sharedEntry !== undefined) return { dir: this.linksFd, name: inode.sharedEntry };
    const [known] = inode.upperNames;
    if (known === undefined) return inode.upperFd >= 0 ? { dir: inode.upperFd, name: NO_NAME } : -ENOENT;
    const dir = this.directoryFd(known.directory);
    return dir < 0 ? dir : { dir, name: bytesOf(known.name) };
  }

  /** The attributes that a file shows, or a negative errno. */
  statAt(dir: number, name: Uint8Array): FileStat | number {
    const stored = statAt(dir, name);
    const { keptOwners } = this;
    if (typeof stored === 'number' || keptOwners === undefined) return stored;
    return this.asOwner(dir, name, () => keptOwners.show(dir, name, stored));
  }

  /** The attributes of the upper's inode itself, or a negative errno. */
  statStoredAt(dir: number, name: Uint8Array): FileStat | number {
    return statAt(dir, name);
  }

  /** `attempt`, with its owner's rights over a file (owner-access.ts); plainly where nothing is to be written. */
  asOwner<T>(dir: number, name: Uint8Array, attempt: () => T): T {
    return this.workFd < 0 ? attempt() : withOwnerAccess(dir, name, attempt);
  }

  /** True where marks of a file that lead to another file are followed. */
  followsMarks(dir: number, name: Uint8Array): boolean {
    if (this.marks.followsAll) return true;
    const stored = this.statStoredAt(dir, name);
    if (typeof stored === 'number') return false;
    const type = stored.mode & S_IFMT;
    return this.marks.follows(stored.uid, () => {
      // Opening anything else may do something.
      if (type !== S_IFREG && type !== S_IFDIR) return false;
      const fd = this.asOwner(dir, name, () => openAt(dir, name, AS_OWNER));
      if (fd >= 0) closeSync(fd);
      return fd >= 0;
    });
  }

  /** What is marked of a file; a negative errno where that can't be read. */
  readMarks(dir: number, name: Uint8Array): Marks | number {
    return this.asOwner(dir, name, () => this.marks.read(dir, name));
  }

  /** chown(2); what this process may not store is left where nobody would see it, as fuse-overlayfs does. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status {
    const { keptOwners } = this;
    if (keptOwners !== undefined) {
      return this.asOwner(dir, name, () => keptOwners.changeOwner(dir, name, uid, gid));
    }
    const status = chownAt(dir, name, uid, gid);
    if (status >= 0 || (!this.#squashesUsers && !this.#squashesGroups)) return status;
    const forgiven = (changed: Status, isForgiven: boolean): Status =>
      isForgiven && (changed === -EPERM || changed === -EINVAL) ? 0 : changed;
    const user = forgiven(chownAt(dir, name, uid, KEEP_ID), this.#squashesUsers);
    return user < 0 ? user : forgiven(chownAt(dir, name, KEEP_ID, gid), this.#squashesGroups);
  }

  /** chmod(2). `mode`: permission bits. */
  changeMode(dir: number, name: Uint8Array, mode: number): Status {
    const { keptOwners } = this;
    if (keptOwners === undefined) return chmodAt(dir, name, mode);
    return this.asOwner(dir, name, () => keptOwners.changeMode(dir, name, mode));
  }

  /** mknod(2); a device that this process may not make is kept as a file that shows as one, where owners are. */
  makeNode(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status {
    const status = mknodAt(dir, name, mode, rdev, umask);
    const type = mode & S_IFMT;
    if (status !== -EPERM || (type !== S_IFCHR && type !== S_IFBLK)) return status;
    return this.keptOwners?.makeDevice(dir, name, mode, rdev, umask) ?? status;
  }

  /** A name in the work directory that nothing has. */
  newStagedName(): Buffer {
    return Buffer.from(`#${process.pid.toString(36)}.${(this.#stagedCount++).toString(36)}`);
  }

  /** Opens what is made, for both. */
  get newFileFlags(): number {
    return constants.O_RDWR | this.#atime.openFlags;
  }

  /** `open` with the flags of an existing regular file; O_NOATIME is for its owner alone. */
  withAtimeFlags(flags: number, open: (flags: number) => number): number {
    const { openFlags } = this.#atime;
    const fd = open(flags | openFlags);
    return fd === -EPERM && openFlags !== 0 ? open(flags) : fd;
  }

  /** A directory is listed from its beginning: its atime moves, as that of a directory listed by itself would. */
  countListing(directory: UpperDirectory): void {
    if (!this.#atime.countsListings || !directory.hasUpperDirectory) return;
    const fd = this.directoryFd(directory);
    // Where it may not be read by this process, its atime stays.
    if (fd >= 0) accessDirectory(fd);
  }

  /** A new regular file without a name, open for both; -EOPNOTSUPP where the file system has none. */
  openTmpfile(): number {
    if (!this.#hasTmpfile) return -EOPNOTSUPP;
    const fd = tmpfileAt(this.workFd, this.newFileFlags, 0o600, 0);
    if (fd === -EOPNOTSUPP) this.#hasTmpfile = false;
    return fd;
  }

  /**
   * Before a name in an upper directory (`dir`) becomes a whiteout: a whiteout is at hand, and the directory says where
   * it is in the form of an xattr. All are one inode as far as links go; the first is made in the work directory, from
   * which the kernel's next mount would clear it.
   */
  prepareWhiteout(directory: UpperDirectory, dir: number): Status {
    const made = this.#hasWhiteout ? 0 : this.#makeWhiteout();
    if (made < 0 || this.#whiteoutForm === 'device' || directory.hasXattrWhiteouts) return made;
    const status = this.marks.set(dir, NO_NAME, 'opaque', HOLDS_XATTR_WHITEOUTS);
    if (status === 0) directory.hasXattrWhiteouts = true;
    return status;
  }

  /** Before a copy gets a name in an upper directory: the kernel lists its number only where this is marked. */
  markImpure(directory: UpperDirectory): Status {
    if (directory.isImpure) return 0;
    const dir = this.directoryFd(directory);
    if (dir < 0) return dir;
    const status = this.marks.set(dir, NO_NAME, 'impure', HOLDS_COPIES);
    if (status === 0) directory.isImpure = true;
    return status;
  }

  /** True where renameat2(2) can leave a whiteout: what it leaves is a device. */
  get renamesLeaveWhiteouts(): boolean {
    return this.#whiteoutForm === 'device';
  }

  /** Puts a whiteout, which was prepared for, where there is nothing. */
  linkWhiteout(dir: number, name: Uint8Array): Status {
    const status = linkAt(this.workFd, WHITEOUT_NAME, dir, name);
    if (status !== -EMLINK && status !== -ENOENT) return status;
    const removed = unlinkAt(this.workFd, WHITEOUT_NAME);
    if (removed < 0 && removed !== -ENOENT) return removed;
    this.#hasWhiteout = false;
    const made = this.#makeWhiteout();
    return made < 0 ? made : linkAt(this.workFd, WHITEOUT_NAME, dir, name);
  }

  #makeWhiteout(): Status {
    let status = 0;
    if (this.#whiteoutForm === 'device') {
      status = mknodAt(this.workFd, WHITEOUT_NAME, S_IFCHR, 0, 0);
      if (status < 0 && status !== -EEXIST) this.#whiteoutForm = 'xattr';
    }
    if (this.#whiteoutForm === 'xattr') status = this.#makeXattrWhiteout();
    this.#hasWhiteout = status >= 0 || status === -EEXIST;
    return this.#hasWhiteout ? 0 : status;
  }

  #makeXattrWhiteout(): Status {
    const fd = createAt(this.workFd, WHITEOUT_NAME, constants.O_RDWR, 0o600, 0);
    if (fd < 0) return fd;
    const status = this.marks.set(fd, NO_NAME, 'whiteout', HOLDS_XATTR_WHITEOUTS);
    closeSync(fd);
    if (status < 0) unlinkAt(this.workFd, WHITEOUT_NAME);
    return status;
  }

  /** Puts a whiteout in place of a file, atomically. */
  replaceByWhiteout(dir: number, name: Uint8Array): Status {
    const staged = this.newStagedName();
    const status = this.linkWhiteout(this.workFd, staged);
    if (status < 0) return status;
    const renamed = renameAt(this.workFd, staged, dir, name, 0);
    if (renamed < 0) unlinkAt(this.workFd, staged);
    return renamed;
  }

  close(): void {
    this.#directories.clear();
    if (this.#hasWhiteout) unlinkAt(this.workFd, WHITEOUT_NAME);
    for (const fd of [this.linksFd, this.workFd, this.baseFd, this.upperFd, ...this.#heldFds])
      if (fd >= 0) closeSync(fd);
  }
}
