// KeptOwners: the owner and mode of an upper file are stored in an xattr (overlayfs-format/override-stat.ts), in the format of
// fuse-overlayfs with xattr_permissions=. A daemon without the right to chown(2) can so store any owner.
//
// Only regular files and directories have the xattr: fuse-overlayfs ignores it on other files, and a symlink can't have user.*
// xattrs. The inode belongs to the daemon. Its permission bits for group and others are those that the mount shows, so the
// upper's file system applies ACLs correctly. Its owner may always read and write (and search a directory). The inode never has
// set-ID or sticky bits: they would apply to the daemon's user.
import { closeSync, constants } from 'node:fs';
import { OwnerTolerance } from '../../sys/upper-fill.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import {
  KEEP_ID,
  chmodAt,
  chownAt,
  createAt,
  getxattrAt,
  mknodAt,
  setxattrAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, SET_ID_BITS } from '../../vfs/attr.ts';
import { EINVAL, EIO, ENODATA, EOPNOTSUPP, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import {
  CONTAINERS_OVERRIDE,
  type OverrideName,
  type OverrideStat,
  PRIVILEGED_OVERRIDE,
  USER_OVERRIDE,
  canOverride,
  formatOverride,
  parseOverride,
} from '../../overlayfs-format/override-stat.ts';
import { OverrideTrust } from '../../overlayfs-format/override-trust.ts';
import { withOwnerAccess } from './owner-access.ts';
import type { NewOwner, OwnerForm, StoredOwner } from './owner-form.ts';

const S_IXGRP = 0o010;
/** The first entry's permissions (linux/posix_acl_xattr.h: u32 version; u16 tag, u16 permissions, u32 ID): the owner's. */
const ACL_OWNER_PERMISSIONS = 6;

/**
 * The namespace of the xattr: 'security', which only root may set; 'user'; or 'found', the one that the root of the upper has.
 * 'fake-root' is 'user', and files of this user without the xattr show as root's.
 */
export type OwnerKeeping = 'found' | 'security' | 'user' | 'fake-root';

export interface KeptOwnersOptions {
  /** Files of this user without the xattr show as root's. */
  readonly rootUid?: number | undefined;
  /** Nothing may be written to the upper, not even permission bits for a moment. */
  readonly isReadOnly: boolean;
}

/** The mode of an inode, and the owner and mode that the mount shows. */
interface StoredAndShown {
  readonly stored: number;
  readonly shown: OverrideStat;
}

export class KeptOwners implements OwnerForm {
  readonly areStored = false;
  /** The name that we write; it is also tried first when reading. */
  readonly name: OverrideName;
  readonly #names: readonly OverrideName[];
  readonly #trust: OverrideTrust;
  readonly #rootUid: number | undefined;
  readonly #isReadOnly: boolean;

  constructor(name: OverrideName, { rootUid, isReadOnly }: KeptOwnersOptions) {
    this.name = name;
    this.#rootUid = rootUid;
    this.#isReadOnly = isReadOnly;
    this.#trust = new OverrideTrust(rootUid !== undefined);
    // The program that unpacked the layer and the one that runs the container may be of different versions.
    const other = name === USER_OVERRIDE ? CONTAINERS_OVERRIDE : USER_OVERRIDE;
    this.#names = name === PRIVILEGED_OVERRIDE ? [name] : [name, other];
  }

  /** -EIO if the xattr can't be parsed. */
  show(dir: number, name: Uint8Array, stored: FileStat): FileStat | number {
    const { mode, uid } = stored;
    const override = canOverride(mode) ? this.#readOverride(dir, name, mode, uid) : -ENODATA;
    if (typeof override !== 'number') return { ...stored, ...override };
    if (override !== -ENODATA) return override;
    return uid === this.#rootUid ? { ...stored, uid: 0, gid: 0 } : stored;
  }

  /** Clears set-ID bits and capabilities of a file, as chown(2) does. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status {
    return this.#withAccess(dir, name, ({ stored, shown }) => {
      if (!canOverride(stored)) return ignoreForbidden(chownAt(dir, name, uid, gid));
      const isFile = (stored & S_IFMT) === S_IFREG;
      const cleared = isFile ? S_ISUID | ((shown.mode & S_IXGRP) === 0 ? 0 : S_ISGID) : 0;
      // A chown(2) that changes nothing clears capabilities too.
      const status = isFile ? chownAt(dir, name, KEEP_ID, KEEP_ID) : 0;
      if (status < 0) return status;
      return this.#keep(dir, name, stored, {
        ...shown,
        uid: uid === KEEP_ID ? shown.uid : uid,
        gid: gid === KEEP_ID ? shown.gid : gid,
        mode: shown.mode & ~cleared,
      });
    });
  }

  changeMode(dir: number, name: Uint8Array, mode: number): Status {
    return this.#withAccess(dir, name, ({ stored, shown }) => {
      if (!canOverride(stored)) return chmodAt(dir, name, mode);
      return this.#keep(dir, name, stored, { ...shown, mode: (shown.mode & S_IFMT) | (mode & 0o7777) });
    });
  }

  storeNew(shown: OverrideStat, storedType: number): StoredOwner {
    const { uid, gid, mode } = shown;
    if (!canOverride(storedType)) {
      return { uid, gid, tolerance: OwnerTolerance.BOTH, mode: mode & 0o7777, xattr: undefined };
    }
    return {
      ...{ uid: KEEP_ID, gid: KEEP_ID, tolerance: OwnerTolerance.NONE, mode: storedBits(mode, storedType) },
      xattr: { name: bytesOf(this.name), value: formatOverride(shown, storedType) },
    };
  }

  /** If this process may not make a device, makes an empty file that shows as one. On failure nothing is left. */
  makeNode(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status {
    const status = mknodAt(dir, name, mode, rdev, umask);
    const type = mode & S_IFMT;
    if (status !== -EPERM || (type !== S_IFCHR && type !== S_IFBLK)) return status;
    const fd = createAt(dir, name, constants.O_RDWR, mode & 0o777, umask);
    if (fd < 0) return fd;
    closeSync(fd);
    const file = this.#read(dir, name);
    if (typeof file === 'number') {
      unlinkAt(dir, name);
      return file;
    }
    const shownMode = type | (file.stored & 0o777);
    const written = this.#keep(dir, name, file.stored, { ...file.shown, mode: shownMode, rdev });
    if (written < 0) unlinkAt(dir, name);
    return written;
  }

  creationMode(mode: number): number {
    return mode & (S_IFMT | 0o777);
  }

  /** Every file gets the xattr. */
  ownsNew(): boolean {
    return false;
  }

  giveNew(dir: number, name: Uint8Array, owner: NewOwner, inheritGroup: () => number | undefined): Status {
    const group = inheritGroup();
    const isDirectory = (owner.mode & S_IFMT) === S_IFDIR;
    const special = (owner.mode & 0o7000) | (group !== undefined && isDirectory ? S_ISGID : 0);
    const { uid } = owner;
    const gid = group ?? owner.gid;
    return this.#withAccess(dir, name, ({ stored, shown }) => {
      if (canOverride(stored)) {
        return this.#keep(dir, name, stored, { ...shown, uid, gid, mode: shown.mode | special });
      }
      const status = ignoreForbidden(chownAt(dir, name, uid, gid));
      if (status < 0 || (special & SET_ID_BITS) === 0) return status;
      // chown(2) has cleared the set-ID bits.
      return chmodAt(dir, name, (stored & 0o7777) | special);
    });
  }

  adoptAclMode(dir: number, name: Uint8Array): Status {
    return this.#withAccess(dir, name, ({ stored, shown }) => {
      if (!canOverride(stored)) return 0;
      return this.#keep(dir, name, stored, { ...shown, mode: (shown.mode & ~0o777) | (stored & 0o777) });
    });
  }

  /** Replaces the owner's permissions: those of the inode may be more than those that the mount shows. */
  showAcl(dir: number, name: Uint8Array, value: Buffer): Buffer | number {
    if (value.length <= ACL_OWNER_PERMISSIONS) return value;
    const file = this.#read(dir, name);
    if (typeof file === 'number') return file;
    value.writeUInt16LE((file.shown.mode >> 6) & 7, ACL_OWNER_PERMISSIONS);
    return value;
  }

  /** Calls `change`. If permission bits deny it, calls it again with the owner's access to the file. */
  #withAccess(dir: number, name: Uint8Array, change: (file: StoredAndShown) => Status): Status {
    return this.#asOwner(dir, name, () => {
      const file = this.#read(dir, name);
      return typeof file === 'number' ? file : change(file);
    });
  }

  #asOwner<T>(dir: number, name: Uint8Array, attempt: () => T): T {
    return this.#isReadOnly ? attempt() : withOwnerAccess(dir, name, attempt);
  }

  #read(dir: number, name: Uint8Array): StoredAndShown | number {
    const stored = statAt(dir, name);
    if (typeof stored === 'number') return stored;
    const shown = this.show(dir, name, stored);
    if (typeof shown === 'number') return shown;
    const { uid, gid, mode, rdev } = shown;
    return { stored: stored.mode, shown: { uid, gid, mode, rdev } };
  }

  /** The value of the first xattr that is trusted; -ENODATA if there is none. `mode` and `uid` are the inode's. */
  #readOverride(dir: number, name: Uint8Array, mode: number, uid: number): OverrideStat | number {
    for (const attribute of this.#names) {
      if (!this.#trust.believes(attribute, uid)) continue;
      const value = this.#asOwner(dir, name, () => getxattrAt(dir, name, bytesOf(attribute)));
      if (value === -ENODATA || value === -EOPNOTSUPP) continue;
      if (typeof value === 'number') return value;
      const override = parseOverride(value, mode);
      return override === undefined ? -EIO : this.#trust.limit(attribute, override, mode);
    }
    return -ENODATA;
  }

  /** Writes the xattr, and sets the inode's permission bits to match. */
  #keep(dir: number, name: Uint8Array, stored: number, shown: OverrideStat): Status {
    const bits = storedBits(shown.mode, stored);
    // A user.* xattr can be set only on a writable file, so the permission bits are set first.
    const status = bits === (stored & 0o7777) ? 0 : chmodAt(dir, name, bits);
    const value = formatOverride(shown, stored & S_IFMT);
    return status < 0 ? status : setxattrAt(dir, name, bytesOf(this.name), value, 0);
  }
}

/** The permission bits of an inode of type `stored` that is to show `mode`. */
function storedBits(mode: number, stored: number): number {
  return (mode & 0o777) | ((stored & S_IFMT) === S_IFDIR ? 0o700 : 0o600);
}

/** A file without the xattr keeps the owner that it has, as in fuse-overlayfs. */
function ignoreForbidden(status: Status): Status {
  return status === -EPERM || status === -EINVAL ? 0 : status;
}
