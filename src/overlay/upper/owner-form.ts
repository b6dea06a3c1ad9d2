// OwnerForm: how an upper stores the owners and modes of its files. There are two implementations, of which one is chosen when the
// upper is opened: StoredOwners (in the inodes) and KeptOwners (in xattrs).
//
// In all methods, `dir` and `name` address an upper file, and a failure returns a negative errno.
import type { FileStat } from '../../sys/stat-at.ts';
import type { NewFileOwner } from '../../sys/upper-fill.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { OverrideStat } from '../../overlayfs-format/override-stat.ts';

/** The owner of a new file, and the mode that the caller requested. */
export interface NewOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** How a new upper file stores its owner and mode. */
export interface StoredOwner extends NewFileOwner {
  /** Permission bits of the inode. */
  readonly mode: number;
  /** The xattr that has the rest. */
  readonly xattr: { readonly name: Uint8Array; readonly value: Uint8Array } | undefined;
}

export interface OwnerForm {
  /** Upper files have the owners and modes that they show: `show` changes nothing. */
  readonly areStored: boolean;

  /** The attributes that the mount shows of a file whose inode has the attributes `stored`. */
  show(dir: number, name: Uint8Array, stored: FileStat): FileStat | number;

  /** chown(2). KEEP_ID leaves the owner or the group unchanged. */
  changeOwner(dir: number, name: Uint8Array, uid: number, gid: number): Status;

  /** chmod(2). `mode`: permission bits. */
  changeMode(dir: number, name: Uint8Array, mode: number): Status;

  /**
   * How a new file of type `storedType` (S_IFMT bits), which only this process uses, stores what the mount is to show. `shown.mode`
   * includes the file type.
   */
  storeNew(shown: OverrideStat, storedType: number): StoredOwner;

  /** mknod(2). */
  makeNode(dir: number, name: Uint8Array, mode: number, rdev: number, umask: number): Status;

  /** The mode for creating a file that will get `mode`. `giveNew` adds the remaining bits. */
  creationMode(mode: number): number;

  /** True if a file that this process creates belongs to `owner` from the start, so that `giveNew` has nothing to do. */
  ownsNew(owner: Pick<NewOwner, 'uid' | 'gid'>): boolean;

  /**
   * Sets the owner of a file that was created with `creationMode`. The permission bits that the file system has set (by umask or
   * default ACL) stay. `inheritGroup` returns the group of the parent if that is set-group-ID; it is called only if needed.
   */
  giveNew(dir: number, name: Uint8Array, owner: NewOwner, inheritGroup: () => number | undefined): Status;

  /** Must be called after an access ACL was set: that may have changed the permission bits of the inode. */
  adoptAclMode(dir: number, name: Uint8Array): Status;

  /** The access ACL that the mount shows if the inode has `value`. May change `value`. */
  showAcl(dir: number, name: Uint8Array, value: Buffer): Buffer | number;
}
