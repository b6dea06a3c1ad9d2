// Opens a directory given in `lowerdir` as a Layer. Whiteouts may have overlayfs form (0:0 devices, xattrs) and AUFS
// form (.wh. names), freely mixed. The upper directory of a mount has only overlayfs form, and may change while it is
// read: entries that vanish meanwhile are skipped.
//
// Like kernel overlayfs, the walk follows no symlink and enters no other mount. This file turns entries into members;
// LayerDraft applies the rules between them.
import { closeSync, constants, openSync } from 'node:fs';
import { makeRdev, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { ENOENT, ENOTDIR, ENOTTY, EOPNOTSUPP, ErrnoError, errnoName } from '../vfs/errno.ts';
import { PROTECTION_FLAGS } from '../vfs/inode-flags.ts';
import { InputError } from '../vfs/input-error.ts';
import { PATH_MAX } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import {
  ENTRY_IS_APPEND_ONLY,
  ENTRY_IS_IMMUTABLE,
  ENTRY_IS_MOUNT_ROOT,
  EntryField,
  openBeneath,
  readDirectoryBatch,
} from '../sys/file-calls.ts';
import { isInitialRoot } from '../sys/initial-root.ts';
import { getFlags, getxattrAt } from '../sys/upper-calls.ts';
import { UserMarkTrust } from '../overlayfs-format/user-marks.ts';
import { Member } from '../tar/member.ts';
import { DirectoryReader, joinPath } from './directory-reader.ts';
import { freezeDraft } from './freeze-draft.ts';
import { LayerDraft, MAX_LAYER_ENTRIES } from './layer-draft.ts';
import type { Layer } from './layer.ts';
import { LowerOwners } from './lower-owners.ts';
import { type MarkNamespace, type OverlayMarks, readXattrs } from '../overlayfs-format/overlay-xattrs.ts';
import { HAS_TRUSTED_MARKS } from '../overlayfs-format/trusted-marks.ts';
import { kindOfName, NameKind } from '../overlayfs-format/whiteout-names.ts';

const ROOT = new Uint8Array();
const SLASH = 0x2f;
const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const AS_OWNER = READING | constants.O_NOATIME;

export interface DirectoryLayerOptions {
  /** The namespace of the marks that count. */
  readonly marks: MarkNamespace;
  /** True for the upper directory of a mount. */
  readonly isUpper?: boolean;
  /**
   * True: if the directory's root has its owner in an xattr, files show the owners of such xattrs. False, the default:
   * these xattrs are data.
   */
  readonly obeysOwners?: boolean;
  /** Only with `obeysOwners`. True: files of the directory's owner without such an xattr show as root's. */
  readonly fakesRoot?: boolean | undefined;
}

/**
 * Opens a directory as a layer and reads all its names. Throws InputError, and Node's error if it is not a directory.
 */
export function openDirectoryLayer(path: string, options: DirectoryLayerOptions): Layer {
  const root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const reader = new DirectoryReader(root);
  try {
    const index = freezeDraft(new DirectoryWalk(path, root, reader, options).run(), path);
    return {
      index,
      reader,
      compression: 'none',
      digest: undefined,
      diffId: undefined,
      close: () => reader.close(),
    };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** A directory that has not been read yet. */
interface PendingDirectory {
  readonly path: Uint8Array;
  /** True if its overlay.opaque is "x": in it, empty files with overlay.whiteout are whiteouts. */
  readonly hasXattrWhiteouts: boolean;
}

class DirectoryWalk {
  readonly #path: string;
  readonly #root: number;
  readonly #reader: DirectoryReader;
  readonly #draft: LayerDraft;
  readonly #isUpper: boolean;
  /** True: names that start with `.wh.` are whiteouts. */
  readonly #isAufsForm: boolean;
  readonly #markPrefix: string;
  /** Undefined: only root can have set the marks, so all of them are followed. */
  readonly #trust: UserMarkTrust | undefined;
  /** False once the file system has said that it has no inode flags. */
  #hasFileFlags = true;
  readonly #member = new Member();
  readonly #pending: PendingDirectory[] = [];
  /** Undefined: xattrs with owners are data. */
  readonly #owners: LowerOwners | undefined;
  /** Files with several names: device and inode number -> the first path. */
  readonly #linked = new Map<string, Uint8Array>();

  constructor(path: string, root: number, reader: DirectoryReader, options: DirectoryLayerOptions) {
    const { marks, isUpper = false, obeysOwners = false, fakesRoot = false } = options;
    this.#path = path;
    if (!isUpper) refuseOtherMarks(path, root, marks);
    this.#owners = obeysOwners ? new LowerOwners(fakesRoot) : undefined;
    this.#root = root;
    this.#reader = reader;
    this.#isUpper = isUpper;
    this.#markPrefix = `${marks}.overlay.`;
    this.#trust = marks === 'user' ? new UserMarkTrust() : undefined;
    this.#isAufsForm = !isUpper || isMarkedAufs(root, marks);
    const refuse = (found: string, expected: string): InputError =>
      this.#error(`found ${found}, expected ${expected}`);
    this.#draft = new LayerDraft(refuse, MAX_LAYER_ENTRIES, this.#isAufsForm);
  }

  run(): LayerDraft {
    this.#readDirectory({ path: ROOT, hasXattrWhiteouts: false });
    for (let directory = this.#pending.pop(); directory !== undefined; directory = this.#pending.pop()) {
      this.#readDirectory(directory);
    }
    return this.#draft;
  }

  #readDirectory(directory: PendingDirectory): void {
    const fd = openBeneath(this.#root, directory.path, constants.O_RDONLY | constants.O_DIRECTORY);
    if (this.#isUpper && (fd === -ENOENT || fd === -ENOTDIR)) return;
    if (fd < 0) throw this.#unreadable(directory.path, fd);
    try {
      // The root's own mark must be read before its entries, and "." may come late in the listing.
      let context = directory;
      if (directory.path.length === 0) context = this.#readRoot(fd) ?? directory;
      for (;;) {
        const batch = readDirectoryBatch(fd);
        if (typeof batch === 'number') throw this.#unreadable(directory.path, batch);
        if (batch.length === 0) return;
        for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) {
          this.#addEntry(context, batch.subarray(at, at + batch.readUInt32LE(at)));
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Finds "." in the root, with a descriptor of its own. */
  #readRoot(root: number): PendingDirectory | undefined {
    const fd = openBeneath(root, ROOT, constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd < 0) throw this.#unreadable(ROOT, fd);
    try {
      for (;;) {
        const batch = readDirectoryBatch(fd);
        if (typeof batch === 'number') throw this.#unreadable(ROOT, batch);
        if (batch.length === 0) return undefined;
        for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) {
          const entry = batch.subarray(at, at + batch.readUInt32LE(at));
          if (nameOf(entry).toString('latin1') !== '.') continue;
          const marks = this.#fill(entry, ROOT);
          this.#protect(entry, ROOT, this.#draft.add(this.#member));
          if (marks.opaque === 'y') this.#draft.addOpaque(ROOT, 0);
          return { path: ROOT, hasXattrWhiteouts: marks.opaque === 'x' };
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  #addEntry(directory: PendingDirectory, entry: Buffer): void {
    const name = nameOf(entry);
    if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) return;
    const path = joinPath(directory.path, Uint8Array.from(name));
    const member = this.#member;
    const marks = this.#fill(entry, path);
    if (this.#isAufsForm && kindOfName(name, 0, name.length) !== NameKind.plain) {
      this.#draft.add(member);
      return;
    }
    const stored = entry.readUInt32LE(EntryField.mode) & S_IFMT;
    const isWhiteout =
      (stored === S_IFCHR && member.rdev === 0) ||
      (stored === S_IFREG && member.size === 0 && marks.isWhiteout && directory.hasXattrWhiteouts);
    if (isWhiteout) {
      const parentLength = directory.path.length;
      this.#draft.addWhiteout(path, parentLength, parentLength === 0 ? 0 : parentLength + 1, path.length);
      return;
    }
    const format = member.mode & S_IFMT;
    if (format === S_IFDIR) {
      const inode = this.#draft.add(member);
      this.#protect(entry, path, inode);
      if (marks.redirect !== undefined && marks.opaque !== 'y') {
        if (!this.#follows(entry, path)) this.#draft.unfollowed.add(inode);
        else this.#draft.redirects.set(inode, this.#checkRedirect(marks.redirect));
      }
      if (marks.opaque === 'y') this.#draft.addOpaque(path, path.length);
      const isMountRoot = (entry.readUInt16LE(EntryField.flags) & ENTRY_IS_MOUNT_ROOT) !== 0;
      if (!isMountRoot) this.#pending.push({ path, hasXattrWhiteouts: marks.opaque === 'x' });
      return;
    }
    if (format === S_IFREG && member.size === 0 && marks.isShownWhiteout) {
      member.mode = (member.mode & ~S_IFMT) | S_IFCHR;
      member.rdev = 0;
    }
    this.#addNonDirectory(directory, entry, path, marks);
  }

  /** True if the marks of an entry that lead to another file may be followed. */
  #follows(entry: Buffer, path: Uint8Array): boolean {
    if (this.#trust === undefined) return true;
    return this.#trust.follows(entry.readUInt32LE(EntryField.uid), () => {
      const fd = openBeneath(this.#root, path, AS_OWNER);
      if (fd >= 0) closeSync(fd);
      return fd >= 0;
    });
  }

  #checkRedirect(redirect: Uint8Array): Uint8Array {
    const isPath = redirect[0] === SLASH;
    if (redirect.length === 0 || redirect.length >= PATH_MAX || (!isPath && redirect.includes(SLASH))) {
      throw this.#error(`overlay.redirect is '${showName(redirect)}', expected a name or an absolute path`);
    }
    return redirect;
  }

  #addNonDirectory(directory: PendingDirectory, entry: Buffer, path: Uint8Array, marks: OverlayMarks): void {
    const member = this.#member;
    if (entry.readUInt32LE(EntryField.linkCount) > 1) {
      const key = entry.toString('latin1', EntryField.ino, EntryField.name);
      const first = this.#linked.get(key);
      if (first !== undefined) {
        member.isHardLink = true;
        member.link.set(first);
        member.linkLength = first.length;
        this.#draft.add(member);
        return;
      }
      this.#linked.set(key, path);
    }
    const isFile = (member.mode & S_IFMT) === S_IFREG;
    if (isFile && marks.isMetacopy) {
      member.dataOffset = 0;
      member.dataLength = 0;
      const inode = this.#draft.add(member);
      this.#protect(entry, path, inode);
      if (!this.#follows(entry, path)) {
        this.#draft.unfollowed.add(inode);
        return;
      }
      this.#draft.metacopies.add(inode);
      if (marks.redirect !== undefined) this.#draft.redirects.set(inode, this.#checkRedirect(marks.redirect));
      return;
    }
    if (isFile) {
      member.dataOffset = this.#reader.addFile(
        directory.path,
        nameOf(entry),
        member.size,
        Number(entry.readBigUInt64LE(EntryField.ino)),
      );
      member.dataLength = member.size;
    }
    this.#protect(entry, path, this.#draft.add(member));
  }

  /**
   * Notes FS_IMMUTABLE_FL and FS_APPEND_FL. statx(2) alone can't say it: erofs calls all its files immutable there, and
   * overlayfs doesn't take them for such. The upper directory of a mount keeps its flags itself.
   */
  #protect(entry: Buffer, path: Uint8Array, inode: number): void {
    const bits = entry.readUInt16LE(EntryField.flags) & (ENTRY_IS_IMMUTABLE | ENTRY_IS_APPEND_ONLY);
    if (bits === 0 || inode < 0 || this.#isUpper || !this.#hasFileFlags) return;
    const format = entry.readUInt32LE(EntryField.mode) & S_IFMT;
    if (format !== S_IFREG && format !== S_IFDIR) return;
    const fd = openBeneath(this.#root, path, READING);
    if (fd < 0) return;
    const flags = getFlags(fd);
    closeSync(fd);
    if (flags === -ENOTTY || flags === -EOPNOTSUPP) this.#hasFileFlags = false;
    if (flags > 0) this.#draft.protections.set(inode, flags & PROTECTION_FLAGS);
  }

  /** Fills the member from the entry. Its `link` is the target of a symlink. */
  #fill(entry: Buffer, path: Uint8Array): OverlayMarks {
    const member = this.#member;
    if (path.length >= PATH_MAX) {
      throw new InputError(
        `${this.#path}: a path of ${path.length} bytes, at most ${PATH_MAX - 1} are possible (ENAMETOOLONG)`,
      );
    }
    member.path.set(path);
    member.pathLength = path.length;
    member.isHardLink = false;
    member.mode = entry.readUInt32LE(EntryField.mode);
    member.uid = entry.readUInt32LE(EntryField.uid);
    member.gid = entry.readUInt32LE(EntryField.gid);
    member.rdev = makeRdev(
      entry.readUInt32LE(EntryField.rdevMajor),
      entry.readUInt32LE(EntryField.rdevMinor),
    );
    member.size = entry.readDoubleLE(EntryField.size);
    member.mtimeSec = entry.readDoubleLE(EntryField.mtimeSec);
    member.mtimeNsec = entry.readUInt32LE(EntryField.mtimeNsec);
    member.atimeSec = entry.readDoubleLE(EntryField.atimeSec);
    member.atimeNsec = entry.readUInt32LE(EntryField.atimeNsec);
    const target = EntryField.name + entry.readUInt16LE(EntryField.nameLength);
    const xattrs = target + entry.readUInt32LE(EntryField.targetLength);
    if ((member.mode & S_IFMT) === S_IFLNK) {
      member.linkLength = xattrs - target;
      member.link.set(entry.subarray(target, xattrs));
    }
    const shown = new Map<string, Uint8Array>();
    const end = xattrs + entry.readUInt32LE(EntryField.xattrsLength);
    const marks = readXattrs(entry.subarray(xattrs, end), this.#markPrefix, this.#isAufsForm, shown);
    member.xattrs = shown;
    if (this.#owners !== undefined) this.#applyOwners(this.#owners, shown);
    return marks;
  }

  #applyOwners(owners: LowerOwners, xattrs: Map<string, Uint8Array>): void {
    const member = this.#member;
    if (member.pathLength === 0) owners.readRoot(member.uid, xattrs);
    const wrong = owners.apply(member, xattrs);
    if (wrong === undefined) return;
    throw this.#error(
      `override_stat is '${showName(wrong)}', expected UID:GID:MODE and a type that the file can stand for`,
    );
  }

  #error(message: string): InputError {
    const path = this.#member.path.subarray(0, this.#member.pathLength);
    return new InputError(`${this.#path}: at '${showName(path)}': ${message}`);
  }

  #unreadable(path: Uint8Array, errno: number): InputError {
    return new InputError(
      `${this.#path}: cannot read the directory '${showName(path)}': ${errnoName(errno)}`,
      { cause: new ErrnoError(errno, 'openat2') },
    );
  }
}

/**
 * The upper directory of a stratafs mount records the namespace of its marks. Without them it would show another tree.
 */
function refuseOtherMarks(path: string, root: number, namespace: MarkNamespace): void {
  if (namespace === 'user' && hasMark(root, HAS_TRUSTED_MARKS) && !isInitialRoot()) {
    throw new InputError(
      `${path}: is an upper directory with its marks in trusted.overlay.*, which root alone can read: mount it as root`,
    );
  }
  const [other, option] =
    namespace === 'user'
      ? (['trusted', 'leave out userxattr'] as const)
      : (['user', 'add -o userxattr'] as const);
  if (!hasMark(root, `${other}.overlay.stratafs`) || hasMark(root, `${namespace}.overlay.stratafs`)) return;
  throw new InputError(
    `${path}: is an upper directory with its marks in ${other}.overlay.*, which this mount does not obey: ${option}`,
  );
}

function hasMark(root: number, name: string): boolean {
  return typeof getxattrAt(root, ROOT, Buffer.from(name)) !== 'number';
}

/** The root of an upper records whether its mount obeys `.wh.` names (overlay/aufs-form.ts). */
function isMarkedAufs(root: number, namespace: MarkNamespace): boolean {
  return hasMark(root, `${namespace}.overlay.stratafs.aufs`);
}

function nameOf(entry: Buffer): Buffer {
  return entry.subarray(EntryField.name, EntryField.name + entry.readUInt16LE(EntryField.nameLength));
}
