// Upper: the directory that takes writes, and the work directory in which new files are staged.
//
// A file is addressed by its directory's descriptor and its name. The descriptors (O_PATH) are opened relative to the parent's
// and cached in an LRU. This class handles files on disk; read/inodes.ts and read/directories.ts hold what the mount shows.
import { LRUCache } from 'lru-cache';
import { closeSync, constants } from 'node:fs';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { NO_NAME, O_PATH, accessDirectory, openAt, tmpfileAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { ENOENT, EOPNOTSUPP, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { isOverrideAttribute } from '../../overlayfs-format/override-stat.ts';
import { HAS_TRUSTED_MARKS } from '../../overlayfs-format/trusted-marks.ts';
import type { Marks, MarkSpace } from './marks.ts';
import type { NameForm } from './name-form.ts';
import { withOwnerAccess } from './owner-access.ts';
import type { OwnerForm } from './owner-form.ts';
import type { UpperDirectory, UpperInode } from './upper-inode.ts';
import { Whiteouts } from './whiteouts.ts';
import { WorkNames } from './work-names.ts';

const AS_OWNER = constants.O_RDONLY | constants.O_NOATIME | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const DIRECTORY_FLAGS = O_PATH | constants.O_DIRECTORY;
/** Maximum number of directory descriptors in the cache. */
const DIRECTORY_LIMIT = 1000;
const HOLDS_COPIES = Buffer.from('y');

/** The place of an upper inode: a name in a directory, or, if the name is empty, the file of the descriptor itself. */
export interface Place {
  readonly dir: number;
  readonly name: Uint8Array;
}

/** How access times are handled in addition to the mount flags of the descriptors (atime.ts). */
export interface AtimeRules {
  /** Added to the flags of every open of a regular file. */
  readonly openFlags: number;
  /** Listing a directory updates its atime. */
  readonly countsListings: boolean;
}

/** The descriptors of an opened upper, and how it is used. */
export interface UpperOptions {
  /**
   * Descriptors of the upper directory, of W and of W/work. The Upper closes them. The first two are locked. W and W/work are
   * -1 if the upper is read-only.
   */
  readonly upperFd: number;
  readonly baseFd: number;
  readonly workFd: number;
  /** Descriptors that hold the locks and keep the upper's file system mounted. The Upper closes them. */
  readonly heldFds: readonly number[];
  readonly atime: AtimeRules;
  readonly marks: MarkSpace;
  /** 16 bytes that identify the tree. An origin of another tree is ignored. */
  readonly identity: Uint8Array;
  /** Nothing is synced while it is mounted. */
  readonly isVolatile: boolean;
  /** A volatile upper is synced at a clean unmount, and then its mark is removed. */
  readonly syncsAtEnd?: boolean;
  /** A copy-up may copy metadata only. */
  readonly usesMetacopy: boolean;
  /** Lower directories may be renamed. */
  readonly usesRedirect: boolean;
  readonly owners: OwnerForm;
  readonly names: NameForm;
  /** Xattrs of fuse-overlayfs don't show, and users can't set them. */
  readonly hidesOverrides: boolean;
}

export class Upper {
  readonly marks: MarkSpace;
  readonly identity: Uint8Array;
  readonly isVolatile: boolean;
  readonly syncsAtEnd: boolean;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  readonly owners: OwnerForm;
  readonly names: NameForm;
  readonly whiteouts: Whiteouts;
  readonly workNames = new WorkNames();
  readonly #hidesOverrides: boolean;
  readonly #atime: AtimeRules;
  readonly #heldFds: readonly number[];
  readonly upperFd: number;
  readonly workFd: number;
  /** W. */
  readonly baseFd: number;
  /** W/stratafs-links, once it is open (shared-copies.ts); else -1. */
  linksFd = -1;
  /** Permission bits are never changed to get access: root doesn't need that, and a read-only upper forbids it. */
  readonly isPrivileged: boolean;
  readonly #directories = new LRUCache<UpperDirectory, number>({
    max: DIRECTORY_LIMIT,
    dispose: (fd) => {
      if (this.#retiredFds.push(fd) === 1) queueMicrotask(() => this.#closeRetired());
      this.#onDirectoryClosed();
    },
  });
  /** Closed at the end of this turn: a caller may hold one descriptor while the next is opened. */
  readonly #retiredFds: number[] = [];
  #onDirectoryClosed: () => void = () => undefined;
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
    // Marks that the next mount would not follow must not be written.
    this.usesMetacopy = options.usesMetacopy && options.marks.mayFollow;
    this.usesRedirect = options.usesRedirect && options.marks.mayFollow;
    this.owners = options.owners;
    this.names = options.names;
    this.#hidesOverrides = options.hidesOverrides;
    this.whiteouts = new Whiteouts(options.workFd, options.marks, this.workNames);
    this.isPrivileged = process.geteuid?.() === 0 || options.workFd < 0;
  }

  /** The descriptor of an upper directory, or a negative errno. The Upper closes it, at the earliest in the next call. */
  directoryFd(directory: UpperDirectory): number {
    if (directory.upperFd >= 0) return directory.upperFd;
    if (directory.parent === undefined) return directory.isRemoved ? -ENOENT : this.upperFd;
    const cached = this.#directories.get(directory);
    if (cached !== undefined) return cached;
    const parent = this.directoryFd(directory.parent);
    if (parent < 0) return parent;
    const fd = openAt(parent, bytesOf(directory.name), DIRECTORY_FLAGS);
    if (fd >= 0) this.#directories.set(directory, fd);
    return fd;
  }

  /** Sets the listener that is called when a descriptor that `directoryFd` has returned is closed. */
  onDirectoryClosed(listener: () => void): void {
    this.#onDirectoryClosed = listener;
  }

  /** Closes the descriptor of a directory. */
  forgetDirectory(directory: UpperDirectory): void {
    this.#directories.delete(directory);
  }

  /** The place of an inode's upper file, or a negative errno. */
  placeOf(inode: UpperInode): Place | number {
    if (inode.sharedEntry !== undefined) return { dir: this.linksFd, name: inode.sharedEntry };
    const [upperName] = inode.upperNames;
    if (upperName === undefined) return inode.upperFd >= 0 ? { dir: inode.upperFd, name: NO_NAME } : -ENOENT;
    const dir = this.directoryFd(upperName.directory);
    return dir < 0 ? dir : { dir, name: bytesOf(upperName.name) };
  }

  /** The attributes that a file shows, or a negative errno. */
  statAt(dir: number, name: Uint8Array): FileStat | number {
    const stored = statAt(dir, name);
    return typeof stored === 'number' ? stored : this.owners.show(dir, name, stored);
  }

  /** The attributes of the upper's inode itself, or a negative errno. */
  statStoredAt(dir: number, name: Uint8Array): FileStat | number {
    return statAt(dir, name);
  }

  /** Calls `attempt`; if permission bits deny it, calls it again with its owner's access to the file (owner-access.ts). */
  asOwner<T>(dir: number, name: Uint8Array, attempt: () => T): T {
    return this.workFd < 0 ? attempt() : withOwnerAccess(dir, name, attempt);
  }

  /** True if redirects, origins and metacopies of a file are followed. */
  followsMarks(dir: number, name: Uint8Array): boolean {
    if (this.marks.followsAll) return true;
    const stored = this.statStoredAt(dir, name);
    if (typeof stored === 'number') return false;
    const type = stored.mode & S_IFMT;
    return this.marks.follows(stored.uid, () => {
      // open(2) of a FIFO or a device has side effects.
      if (type !== S_IFREG && type !== S_IFDIR) return false;
      const fd = this.asOwner(dir, name, () => openAt(dir, name, AS_OWNER));
      if (fd >= 0) closeSync(fd);
      return fd >= 0;
    });
  }

  /** The marks of a file, or a negative errno. */
  readMarks(dir: number, name: Uint8Array): Marks | number {
    return this.asOwner(dir, name, () => this.marks.read(dir, name));
  }

  /** True for an xattr (latin1) that is hidden from users, and that they can't set. */
  isPrivateXattr(name: string): boolean {
    return name === HAS_TRUSTED_MARKS || (this.#hidesOverrides && isOverrideAttribute(name));
  }

  /** False if all xattrs of `list` (as listxattr(2) returns it) show under the same names. */
  mayHideXattrs(list: Buffer): boolean {
    return this.#hidesOverrides || list.includes(this.marks.prefix, 0, 'latin1');
  }

  /** Flags of open(2) for a new file, which is opened for reading and writing. */
  get newFileFlags(): number {
    return constants.O_RDWR | this.#atime.openFlags;
  }

  /** Calls `open` with the flags for an existing regular file. O_NOATIME is left out if the file has another owner. */
  withAtimeFlags(flags: number, open: (flags: number) => number): number {
    const { openFlags } = this.#atime;
    const fd = open(flags | openFlags);
    return fd === -EPERM && openFlags !== 0 ? open(flags) : fd;
  }

  /** Updates the atime of a directory that is listed from its beginning, as getdents(2) would. */
  countListing(directory: UpperDirectory): void {
    if (!this.#atime.countsListings || !directory.hasUpperDirectory) return;
    const fd = this.directoryFd(directory);
    // If this process may not read it, its atime stays.
    if (fd >= 0) accessDirectory(fd);
  }

  /** A new regular file without a name, open for reading and writing; -EOPNOTSUPP if the file system has no O_TMPFILE. */
  openTmpfile(): number {
    if (!this.#hasTmpfile) return -EOPNOTSUPP;
    const fd = tmpfileAt(this.workFd, this.newFileFlags, 0o600, 0);
    if (fd === -EOPNOTSUPP) this.#hasTmpfile = false;
    return fd;
  }

  /**
   * Must be called before a copy gets a name in an upper directory: kernel overlayfs lists the copy's inode number only if the
   * directory has this mark.
   */
  markImpure(directory: UpperDirectory): Status {
    if (directory.isImpure) return 0;
    const dir = this.directoryFd(directory);
    if (dir < 0) return dir;
    const status = this.marks.set(dir, NO_NAME, 'impure', HOLDS_COPIES);
    if (status === 0) directory.isImpure = true;
    return status;
  }

  #closeRetired(): void {
    for (const fd of this.#retiredFds.splice(0)) closeSync(fd);
  }

  close(): void {
    this.#directories.clear();
    this.#closeRetired();
    this.whiteouts.close();
    for (const fd of [this.linksFd, this.workFd, this.baseFd, this.upperFd, ...this.#heldFds])
      if (fd >= 0) closeSync(fd);
  }
}
