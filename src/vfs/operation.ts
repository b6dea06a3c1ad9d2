// What an operation that changes something is given: who asks, what shall change, what is made; and what opening gives.

/** The ID of a caller whom the request does not name: (uid_t) -1. */
export const UNKNOWN_ID = 0xffff_ffff;

/** One request under way. Made for the request, kept as long as its promise is. */
export class Call {
  /**
   * The caller's file system user and group (fsuid, fsgid), in the mount's user namespace: who owns what the request
   * makes. UNKNOWN_ID where it makes nothing and the kernel can map owners (Linux 6.12).
   */
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /**
   * The caller got a signal: what only waits or copies should end with -EINTR soon and undo what it did; what is done
   * already is told as done.
   */
  isInterrupted = false;

  constructor(uid: number, gid: number, pid: number) {
    this.uid = uid;
    this.gid = gid;
    this.pid = pid;
  }
}

/** An inode to be made. Its owner is the call's. */
export interface NewInode {
  /** File type and permissions, the umask not yet applied: where the directory has a default ACL it never is. */
  readonly mode: number;
  readonly umask: number;
  /** As Attr.rdev; 0 for what is no device. */
  readonly rdev: number;
}

/** What setattr changes; what is undefined stays. */
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
   * With `size`: the file loses S_ISUID, capabilities, and S_ISGID where it is executable by its group or the caller is
   * not in that group.
   */
  killsPrivileges?: boolean;
}

/** A point in time as in Attr, or the time when it is set. */
export type TimeChange = 'now' | { readonly sec: number; readonly nsec: number };

/** What opening tells of a file. */
export class OpenFile {
  /**
   * A descriptor that holds all the bytes of the inode and goes on to, so that the kernel may read, write and map it by
   * itself; the same for all that open the inode meanwhile. Lent: open until the last `release`. -1: there is none.
   */
  backingFd = -1;
  /** The node was open before. */
  wasOpen = false;
}
