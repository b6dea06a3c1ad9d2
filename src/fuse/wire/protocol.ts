// The kernel's FUSE protocol, in numbers: opcodes, negotiated flags, sizes (linux/fuse.h, 7.31 up to 7.45).
//
// The installed header is not used: a constant that is younger than 7.31 names the minor version that brought it.

export const FUSE_KERNEL_VERSION = 7;
/** The newest minor version that this code knows. */
export const FUSE_KERNEL_MINOR_VERSION = 45;
/** The oldest one that it speaks (Linux 5.4). */
export const FUSE_MINIMUM_MINOR_VERSION = 31;

export const Opcode = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  BMAP: 37,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SETUPMAPPING: 48,
  REMOVEMAPPING: 49,
  SYNCFS: 50, // 7.34
  TMPFILE: 51, // 7.37
  STATX: 52, // 7.39
  COPY_FILE_RANGE_64: 53, // 7.45
} as const;

/** One more than the largest opcode above. */
export const OPCODE_COUNT = 54;

/** INIT flags, bits 0 to 31. */
export const InitFlag = {
  ASYNC_READ: 1 << 0,
  /** OPEN carries O_TRUNC: no SETATTR follows it. */
  ATOMIC_O_TRUNC: 1 << 3,
  BIG_WRITES: 1 << 5,
  /** The umask is sent and not applied. */
  DONT_MASK: 1 << 6,
  DO_READDIRPLUS: 1 << 13,
  ASYNC_DIO: 1 << 15,
  WRITEBACK_CACHE: 1 << 16,
  NO_OPEN_SUPPORT: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  POSIX_ACL: 1 << 20,
  ABORT_ERROR: 1 << 21,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  EXPLICIT_INVAL_DATA: 1 << 25,
  /** WRITE, SETATTR and OPEN say when set-ID bits and capabilities go (7.33). */
  HANDLE_KILLPRIV_V2: 1 << 28,
  /** The long struct fuse_setxattr_in (7.33). */
  SETXATTR_EXT: 1 << 29,
  /** There are flags beyond bit 31 (7.36). */
  INIT_EXT: 1 << 30,
} as const;

/** INIT flags from bit 32 upwards, less 32. */
export const InitFlag2 = {
  PASSTHROUGH: 1 << 5, // 7.40
  /** No file handles: name_to_handle_at(2) answers EOPNOTSUPP. */
  NO_EXPORT_SUPPORT: 1 << 6, // 7.40
  /** NOTIFY_RESEND works. The kernel offers it, and ignores the answer. */
  HAS_RESEND: 1 << 7, // 7.40
  /** Idmapped mounts; then only requests that make an inode have the caller's IDs. */
  ALLOW_IDMAP: 1 << 8, // 7.41
} as const;

/** Flags of an OPEN or OPENDIR reply. */
export const OpenFlag = {
  KEEP_CACHE: 1 << 1,
  CACHE_DIR: 1 << 3,
  NOFLUSH: 1 << 5, // 7.35
  PASSTHROUGH: 1 << 7, // 7.40
} as const;

/** What a SETATTR changes. */
export const SetattrFlag = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  KILL_SUIDGID: 1 << 11, // 7.33
} as const;

/** FUSE_WRITE_KILL_SUIDGID of WRITE (7.31). */
export const WRITE_KILL_SUIDGID = 1 << 2;
/** FUSE_OPEN_KILL_SUIDGID of OPEN (7.33). */
export const OPEN_KILL_SUIDGID = 1 << 0;
/** FUSE_SETXATTR_ACL_KILL_SGID of the long SETXATTR (7.33). */
export const SETXATTR_ACL_KILL_SGID = 1 << 0;
/** FUSE_FSYNC_FDATASYNC of FSYNC and FSYNCDIR. */
export const FSYNC_FDATASYNC = 1 << 0;
/** FUSE_NOTIFY_INVAL_INODE: in the place of an error, in a message without a unique. */
export const NOTIFY_INVAL_INODE = 2;
/** FUSE_NOTIFY_RESEND: the same, 7.40. */
export const NOTIFY_RESEND = 7;

export const IN_HEADER_SIZE = 40;
export const OUT_HEADER_SIZE = 16;
export const ATTR_SIZE = 88;
export const ENTRY_OUT_SIZE = 128;
export const OPEN_OUT_SIZE = 16;
export const DIRENT_HEADER_SIZE = 24;

/** The value of st_blksize. */
export const BLOCK_SIZE = 4096;

/**
 * Pages of the largest read or write. The kernel's bound without privilege is 256. A reply that is spliced goes through a
 * pipe of 256 pages (native/addon/reply_pipe.cc): one is for the header, and bytes that begin inside a page touch one more.
 */
export const MAX_PAGES = 254;
/** The same in bytes, with pages of 4 KiB. */
export const MAX_TRANSFER = MAX_PAGES * 4096;

/** Bytes that one COPY_FILE_RANGE copies at most: the kernel's own MAX_RW_COUNT. */
export const MAX_COPY = 0x7ffff000;

/** A validity in seconds that the kernel takes for ever: longer than it counts. */
export const FOREVER = 0x7fffffff;
