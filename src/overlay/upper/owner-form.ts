// OwnerForm: how an upper stores the owners and modes of its files. The upper has one of two, chosen when it is opened:
// StoredOwners (the inodes have them) or KeptOwners (xattrs have them).
//
// In all methods `dir` and `name` name an upper file, and a negative errno is returned on failure.
import type { FileStat } from '../../sys/stat-at.ts';
import type { Status } from '../../vfs/filesystem.ts';

/** The owner of a new file, and the mode that its maker asked for. */
export interface NewOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface OwnerForm {
  /** The attributes that a file shows whose inode has `stored`. */
  show(dir: number, name: Uint8Array, stored: FileStat): FileStat | number;

  /** chown(2). KEEP_ID leaves the owner or the group. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status;

  /** chmod(2). `mode`: permission bits. */
  changeMode(dir: number, name: Uint8Array, mode: number): Status;

  /** mknod(2). */
  makeNode(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status;

  /** The mode to create a file with that is to have `mode`; `giveNew` adds the rest. */
  creationMode(mode: number): number;

  /**
   * Gives a file, made with `creationMode`, to its owner. The permission bits stay those that the file system gave it (by
   * umask or default ACL). `inheritGroup` returns the group of a set-group-ID directory above it; it is called only if needed.
   */
  giveNew(dir: number, name: Uint8Array, owner: NewOwner, inheritGroup: () => number | undefined): Status;

  /** An access ACL was set, which may have changed the permission bits of the inode. */
  adoptAclMode(dir: number, name: Uint8Array): Status;

  /** The value of the access ACL that shows, if the inode has `value`, which may be overwritten. */
  showAcl(dir: number, name: Uint8Array, value: Buffer): Buffer | number;
}
