// KeptOwners: owners and modes of upper files that are kept in an xattr (vfs/override-stat.ts), as fuse-overlayfs keeps
// them with xattr_permissions=, so that a daemon that may not chown(2) shows and stores whatever owner it is asked to.
//
// It counts for regular files and directories alone: fuse-overlayfs reads it of nothing else, and a symlink can't have
// user.* attributes. The inode itself is the daemon's. Its group's and others' permission bits are those that show, so
// ACLs go on working by the upper's own file system; its owner may always read and write (in directories, search), and
// set-ID and sticky bits it never has: they would mean the daemon's own user.
import { closeSync, constants } from 'node:fs';
import {
  KEEP_ID,
  chmodAt,
  chownAt,
  createAt,
  getxattrAt,
  setxattrAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { OverrideTrust } from '../../overlayfs-format/override-trust.ts';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, SET_ID_BITS } from '../../vfs/attr.ts';
import { EINVAL, EIO, ENODATA, EOPNOTSUPP, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import {
  CONTAINERS_OVERRIDE,
  OVERRIDE_NAMES,
  type OverrideName,
  type OverrideStat,
  PRIVILEGED_OVERRIDE,
  USER_OVERRIDE,
  canOverride,
  formatOverride,
  parseOverride,
} from '../../overlayfs-format/override-stat.ts';
import { NO_NAME } from './upper.ts';

const S_IXGRP = 0o010;

/**
 * Where owners are kept: in `security.` xattrs, which root alone may set, in `user.` ones, or wherever the root of a layer
 * says that they are. 'fake-root': in `user.` ones, and a file without one that belongs to the upper's owner shows as root's.
 */
export type OwnerKeeping = 'found' | 'security' | 'user' | 'fake-root';

/** How an upper keeps owners that was written to with `keeping` before, by us or others; undefined where it does not. */
export function findKeptOwners(upperFd: number, keeping: OwnerKeeping): KeptOwners | undefined {
  const namespace = keeping === 'found' ? '' : keeping === 'security' ? 'security.' : 'user.';
  const root = statAt(upperFd, NO_NAME);
  if (typeof root === 'number') return undefined;
  const trust = new OverrideTrust(keeping === 'fake-root');
  const isBelieved = (name: string): boolean => keeping !== 'found' || trust.believes(name, root.uid);
  const name = OVERRIDE_NAMES.find(
    (each) =>
      each.startsWith(namespace) &&
      typeof getxattrAt(upperFd, NO_NAME, bytesOf(each)) !== 'number' &&
      isBelieved(each),
  );
  return name === undefined ? undefined : new KeptOwners(name, ownerShownAsRoot(upperFd, keeping));
}

/** With 'fake-root' the owner of the upper directory, whoever looks; else undefined. */
function ownerShownAsRoot(upperFd: number, keeping: OwnerKeeping): number | undefined {
  if (keeping !== 'fake-root') return undefined;
  const root = statAt(upperFd, NO_NAME);
  return typeof root === 'number' ? undefined : root.uid;
}

/** Marks the root of an upper, which shows as it is; or a negative errno. */
export function startKeepingOwners(
  upperFd: number,
  keeping: Exclude<OwnerKeeping, 'found'>,
): KeptOwners | number {
  const name = keeping === 'security' ? PRIVILEGED_OVERRIDE : USER_OVERRIDE;
  const kept = new KeptOwners(name, ownerShownAsRoot(upperFd, keeping));
  const root = statAt(upperFd, NO_NAME);
  if (typeof root === 'number') return root;
  const status = kept.changeMode(upperFd, NO_NAME, root.mode & 0o7777);
  return status < 0 ? status : kept;
}

/** A file as it lies in the upper, and as it shows. */
interface StoredAndShown {
  readonly stored: number;
  readonly shown: OverrideStat;
}

export class KeptOwners {
  /** Written; read before the other. */
  readonly name: OverrideName;
  readonly #names: readonly OverrideName[];
  readonly #trust: OverrideTrust;
  readonly #rootUid: number | undefined;

  /** `rootUid`: files of this user that keep no owner show as root's. */
  constructor(name: OverrideName, rootUid?: number) {
    this.name = name;
    this.#rootUid = rootUid;
    this.#trust = new OverrideTrust(rootUid !== undefined);
    // Who unpacks a layer, and who runs the container, need not be of one version.
    const other = name === USER_OVERRIDE ? CONTAINERS_OVERRIDE : USER_OVERRIDE;
    this.#names = name === PRIVILEGED_OVERRIDE ? [name] : [name, other];
  }

  /** What a file with the attributes `stored` shows. -EIO if the xattr can't be parsed. */
  show(dir: number, name: Uint8Array, stored: FileStat): FileStat | number {
    const { mode, uid } = stored;
    const kept = canOverride(mode) ? this.#read(dir, name, mode, uid) : -ENODATA;
    if (typeof kept !== 'number') return { ...stored, ...kept };
    if (kept !== -ENODATA) return kept;
    return uid === this.#rootUid ? { ...stored, uid: 0, gid: 0 } : stored;
  }

  /** `mode`, `uid`: the file's own. */
  #read(dir: number, name: Uint8Array, mode: number, uid: number): OverrideStat | number {
    for (const attribute of this.#names) {
      if (!this.#trust.believes(attribute, uid)) continue;
      const value = getxattrAt(dir, name, bytesOf(attribute));
      if (value === -ENODATA || value === -EOPNOTSUPP) continue;
      if (typeof value === 'number') return value;
      const kept = parseOverride(value, mode);
      return kept === undefined ? -EIO : this.#trust.limit(attribute, kept, mode);
    }
    return -ENODATA;
  }

  #know(dir: number, name: Uint8Array): StoredAndShown | number {
    const stored = statAt(dir, name);
    if (typeof stored === 'number') return stored;
    const shown = this.show(dir, name, stored);
    if (typeof shown === 'number') return shown;
    const { uid, gid, mode, rdev } = shown;
    return { stored: stored.mode, shown: { uid, gid, mode, rdev } };
  }

  /** Keeps `shown`, and gives the inode the permission bits that go with it. */
  #keep(dir: number, name: Uint8Array, stored: number, shown: OverrideStat): Status {
    const isDirectory = (stored & S_IFMT) === S_IFDIR;
    const bits = (shown.mode & 0o777) | (isDirectory ? 0o700 : 0o600);
    // A user.* attribute needs a file that may be written to: the bits come first.
    const status = bits === (stored & 0o7777) ? 0 : chmodAt(dir, name, bits);
    const value = formatOverride(shown, stored & S_IFMT);
    return status < 0 ? status : setxattrAt(dir, name, bytesOf(this.name), value, 0);
  }

  /** chown(2), which takes set-ID bits and capabilities off a file. KEEP_ID leaves the owner or the group. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status {
    const known = this.#know(dir, name);
    if (typeof known === 'number') return known;
    const { stored, shown } = known;
    if (!canOverride(stored)) return forgive(chownAt(dir, name, uid, gid));
    const isFile = (stored & S_IFMT) === S_IFREG;
    const killed = isFile ? S_ISUID | ((shown.mode & S_IXGRP) === 0 ? 0 : S_ISGID) : 0;
    // To change nothing takes them off as well.
    const dropped = isFile ? chownAt(dir, name, KEEP_ID, KEEP_ID) : 0;
    if (dropped < 0) return dropped;
    return this.#keep(dir, name, stored, {
      ...shown,
      uid: uid === KEEP_ID ? shown.uid : uid,
      gid: gid === KEEP_ID ? shown.gid : gid,
      mode: shown.mode & ~killed,
    });
  }

  /** chmod(2). `mode`: permission bits. */
  changeMode(dir: number, name: Uint8Array, mode: number): Status {
    const known = this.#know(dir, name);
    if (typeof known === 'number') return known;
    const { stored, shown } = known;
    if (!canOverride(stored)) return chmodAt(dir, name, mode);
    return this.#keep(dir, name, stored, { ...shown, mode: (shown.mode & S_IFMT) | (mode & 0o7777) });
  }

  /**
   * Of what was just made: the permission bits are those that the file system gave it (by umask or default ACL), and
   * `special` is added to them.
   */
  own(dir: number, name: Uint8Array, uid: number, gid: number, special: number): Status {
    const known = this.#know(dir, name);
    if (typeof known === 'number') return known;
    const { stored, shown } = known;
    if (!canOverride(stored)) {
      const status = forgive(chownAt(dir, name, uid, gid));
      // chown(2) took them off.
      return status < 0 || (special & SET_ID_BITS) === 0
        ? status
        : chmodAt(dir, name, (stored & 0o7777) | special);
    }
    return this.#keep(dir, name, stored, { ...shown, uid, gid, mode: shown.mode | special });
  }

  /** After an ACL gave the inode other permission bits: they are what shows. */
  adoptMode(dir: number, name: Uint8Array): Status {
    const known = this.#know(dir, name);
    if (typeof known === 'number') return known;
    const { stored, shown } = known;
    if (!canOverride(stored)) return 0;
    return this.#keep(dir, name, stored, { ...shown, mode: (shown.mode & ~0o777) | (stored & 0o777) });
  }

  /** A device that this process may not make: an empty file that shows as one. On failure nothing is left. */
  makeDevice(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status {
    const fd = createAt(dir, name, constants.O_RDWR, mode & 0o777, umask);
    if (fd < 0) return fd;
    closeSync(fd);
    const known = this.#know(dir, name);
    const status =
      typeof known === 'number'
        ? known
        : this.#keep(dir, name, known.stored, {
            ...known.shown,
            mode: (mode & S_IFMT) | (known.stored & 0o777),
            rdev,
          });
    if (status < 0) unlinkAt(dir, name);
    return status;
  }
}

/** An owner that can't be stored, of what has no other place for it: as fuse-overlayfs does, it stays another's. */
function forgive(status: Status): Status {
  return status === -EPERM || status === -EINVAL ? 0 : status;
}
