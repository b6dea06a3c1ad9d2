// StoredOwners: upper files have the owners and modes that they show.
import { KEEP_ID, chmodAt, chownAt, mknodAt } from '../../sys/upper-calls.ts';
import { OwnerTolerance } from '../../sys/upper-fill.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { S_IFDIR, S_IFMT, SET_ID_BITS } from '../../vfs/attr.ts';
import { EINVAL, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { OverrideStat } from '../../overlayfs-format/override-stat.ts';
import type { NewOwner, OwnerForm, StoredOwner } from './owner-form.ts';

/** Options that show all files as one user's or one group's. The owner in the upper is then invisible. */
export interface Squashing {
  readonly squashesUsers: boolean;
  readonly squashesGroups: boolean;
}

export class StoredOwners implements OwnerForm {
  readonly areStored = true;
  readonly #squashing: Squashing;
  readonly #daemonUid = process.geteuid?.() ?? 0;
  readonly #daemonGid = process.getegid?.() ?? 0;

  constructor(squashing: Squashing) {
    this.#squashing = squashing;
  }

  show(_dir: number, _name: Uint8Array, stored: FileStat): FileStat {
    return stored;
  }

  /** If chown(2) is not permitted and the owner is squashed anyway, the error is ignored, as in fuse-overlayfs. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status {
    const { squashesUsers, squashesGroups } = this.#squashing;
    const status = chownAt(dir, name, uid, gid);
    if (status >= 0 || (!squashesUsers && !squashesGroups)) return status;
    const user = forgive(chownAt(dir, name, uid, KEEP_ID), squashesUsers);
    return user < 0 ? user : forgive(chownAt(dir, name, KEEP_ID, gid), squashesGroups);
  }

  changeMode(dir: number, name: Uint8Array, mode: number): Status {
    return chmodAt(dir, name, mode);
  }

  storeNew({ uid, gid, mode }: OverrideStat): StoredOwner {
    const { squashesUsers, squashesGroups } = this.#squashing;
    const tolerance = (squashesUsers ? OwnerTolerance.USER : 0) | (squashesGroups ? OwnerTolerance.GROUP : 0);
    return { uid, gid, tolerance, mode: mode & 0o7777, xattr: undefined };
  }

  makeNode(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status {
    return mknodAt(dir, name, mode, rdev, umask);
  }

  creationMode(mode: number): number {
    return mode;
  }

  ownsNew({ uid, gid }: Pick<NewOwner, 'uid' | 'gid'>): boolean {
    return uid === this.#daemonUid && gid === this.#daemonGid;
  }

  /** The upper's file system has already applied the group of a set-group-ID directory. */
  giveNew(dir: number, name: Uint8Array, owner: NewOwner, inheritGroup: () => number | undefined): Status {
    const { uid, gid, mode } = owner;
    const status = this.changeOwner(dir, name, uid, inheritGroup() === undefined ? gid : KEEP_ID);
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    if (status < 0 || isDirectory || (mode & SET_ID_BITS) === 0) return status;
    // chown(2) has cleared the set-ID bits.
    const stat = statAt(dir, name);
    return typeof stat === 'number' ? 0 : chmodAt(dir, name, (stat.mode & 0o7777) | (mode & SET_ID_BITS));
  }

  adoptAclMode(): Status {
    return 0;
  }

  showAcl(_dir: number, _name: Uint8Array, value: Buffer): Buffer {
    return value;
  }
}

function forgive(status: Status, isSquashed: boolean): Status {
  return isSquashed && (status === -EPERM || status === -EINVAL) ? 0 : status;
}
