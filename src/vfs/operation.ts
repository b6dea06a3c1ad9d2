// The arguments of operations that change something (caller, attributes, new inode), and the result of an open.

/** The ID of a caller that the request doesn't identify: (uid_t) -1. */
export const UNKNOWN_ID = 0xffff_ffff;

/** A request under way. It lives until the request is answered. */
export class Call {
  /**
   * The caller's fsuid and fsgid in the mount's user namespace: the owner of an inode that the request makes.
   * UNKNOWN_ID if the request makes none and the kernel can map owners (Linux 6.12).
   */
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /**
   * The caller received a signal. An operation that only waits or copies should end soon with -EINTR and undo its work.
   * An operation that is complete reports success.
   */
  isInterrupted = false;

  constructor(uid: number, gid: number, pid: number) {
    this.uid = uid;
    this.gid = gid;
    this.pid = pid;
  }
}

/** A new inode. Its owner is that of the Call. */
export interface NewInode {
  /** File type and permissions before the umask, which doesn't apply in a directory with a default ACL. */
  readonly mode: number;
  readonly umask: number;
  /** As Attr.rdev; 0 unless it is a device. */
  readonly rdev: number;
}

/** The attributes that setattr changes. Undefined ones stay. */
export interface AttrChanges {
  /** Permission bits, with S_ISUID, S_ISGID and S_ISVTX. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Bytes. */
  size?: number;
  atime?: TimeChange;
  mtime?: TimeChange;
  /**
   * With `size`: the file loses S_ISUID and its capabilities. It loses S_ISGID too if its group can execute it or if
   * the caller is not in its group.
   */
  killsPrivileges?: boolean;
}

/** A time as in Attr, or the current time. */
export type TimeChange = 'now' | { readonly sec: number; readonly nsec: number };

/** The result of an open. */
export class OpenFile {
  /**
   * A descriptor of a file that holds all bytes of the inode until the last `release`, so that the kernel can read,
   * write and map it directly. Every open of the inode meanwhile gets the same one. Lent: open until the last
   * `release`. -1: none.
   */
  backingFd = -1;
  /** True if the node was open before. */
  wasOpen = false;
}
