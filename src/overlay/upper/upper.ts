// Upper: the directory that takes writes, and the work directory in which things are made before they appear.
//
// Files are named by the descriptor of their directory (O_PATH, kept in an LRU, opened by the component from the
// parent's) and a name. Everything here is on disk only: what the mount shows is kept by inodes.ts and directories.ts.
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
/** Descriptors of directories kept open. */
const DIRECTORY_LIMIT = 1000;
const HOLDS_COPIES = Buffer.from('y');

/** The place of an upper inode: a name in a directory, or, with an empty name, the descriptor itself. */
export interface Place {
  readonly dir: number;
  readonly name: Uint8Array;
}

/** Access times, beyond what the kernel does for the descriptors (atime.ts). */
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
  /** No permission bits of the upper stop this process, or it must not change them. */
  readonly isPrivileged: boolean;
  readonly #directories = new LRUCache<UpperDirectory, number>({
    max: DIRECTORY_LIMIT,
    dispose: (fd) => closeSync(fd),
  });
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
    this.owners = options.owners;
    this.names = options.names;
    this.#hidesOverrides = options.hidesOverrides;
    this.whiteouts = new Whiteouts(options.workFd, options.marks, this.workNames);
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

  /** The place of an inode's upper file, or a negative errno. */
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
    return typeof stored === 'number' ? stored : this.owners.show(dir, name, stored);
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

  /** The marks of a file, or a negative errno. */
  readMarks(dir: number, name: Uint8Array): Marks | number {
    return this.asOwner(dir, name, () => this.marks.read(dir, name));
  }

  /** True for an xattr (latin1) that never shows, and that users can't set. */
  isPrivateXattr(name: string): boolean {
    return name === HAS_TRUSTED_MARKS || (this.#hidesOverrides && isOverrideAttribute(name));
  }

  /** False if all xattrs of `list` (as listxattr(2) returns it) show under the same names. */
  mayHideXattrs(list: Buffer): boolean {
    return this.#hidesOverrides || list.includes(this.marks.prefix, 0, 'latin1');
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
    // If this process may not read it, its atime stays.
    if (fd >= 0) accessDirectory(fd);
  }

  /** A new regular file without a name, open for both; -EOPNOTSUPP where the file system has none. */
  openTmpfile(): number {
    if (!this.#hasTmpfile) return -EOPNOTSUPP;
    const fd = tmpfileAt(this.workFd, this.newFileFlags, 0o600, 0);
    if (fd === -EOPNOTSUPP) this.#hasTmpfile = false;
    return fd;
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

  close(): void {
    this.#directories.clear();
    this.whiteouts.close();
    for (const fd of [this.linksFd, this.workFd, this.baseFd, this.upperFd, ...this.#heldFds])
      if (fd >= 0) closeSync(fd);
  }
}
