// System calls on files of the upper and the work directory (native/upper_*.cc).
//
// A file is named by a descriptor of its directory and one component, or by its own descriptor (O_PATH suffices) and an
// empty name. No call can leave its directory: none follows a symlink in the last component, and a name with a slash or
// a NUL, "." and ".." are -EINVAL before the kernel is called. Calls that make, remove or rename a name refuse an empty
// one (-EINVAL). Names, targets and values are bytes without terminating NUL; they are copied. A call returns a result
// or a negative errno. The caller owns the descriptors and buffers that it gets; descriptors are close-on-exec. All
// calls run synchronously except those whose name ends in Later.
import { constants } from 'node:fs';
import { addon } from './addon.ts';

/** Values of nsec for `utimensAt`: the current time; unchanged. */
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

/** `flags` of `renameAt` (linux/fs.h). */
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

/** Leaves the owner or group of `chownAt` unchanged. */
export const KEEP_ID = 0xffffffff;

/** The empty name: the file of the descriptor itself. */
export const NO_NAME = new Uint8Array(0);

/** open(2). node:fs lacks it; the value is the same on all architectures that Node runs on. */
export const O_PATH = 0o10000000;

/** Flags that open a directory for listing. */
export const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY;

interface UpperCalls {
  openAt: (dir: number, name: Uint8Array, flags: number) => number;
  reopen: (fd: number, flags: number) => number;
  createAt: (dir: number, name: Uint8Array, flags: number, mode: number, umask: number) => number;
  tmpfileAt: (dir: number, flags: number, mode: number, umask: number) => number;
  mkdirAt: (dir: number, name: Uint8Array, mode: number, umask: number) => number;
  mknodAt: (dir: number, name: Uint8Array, mode: number, rdev: number, umask: number) => number;
  symlinkAt: (target: Uint8Array, dir: number, name: Uint8Array) => number;
  linkAt: (fromDir: number, fromName: Uint8Array, dir: number, name: Uint8Array) => number;
  unlinkAt: (dir: number, name: Uint8Array) => number;
  rmdirAt: (dir: number, name: Uint8Array) => number;
  renameAt: (fromDir: number, fromName: Uint8Array, dir: number, name: Uint8Array, flags: number) => number;
  readlinkAt: (dir: number, name: Uint8Array) => Buffer | number;
  chmodAt: (dir: number, name: Uint8Array, mode: number) => number;
  chownAt: (dir: number, name: Uint8Array, uid: number, gid: number) => number;
  utimensAt: (
    dir: number,
    name: Uint8Array,
    atimeSec: number,
    atimeNsec: number,
    mtimeSec: number,
    mtimeNsec: number,
  ) => number;
  getxattrAt: (dir: number, name: Uint8Array, attribute: Uint8Array) => Buffer | number;
  setxattrAt: (
    dir: number,
    name: Uint8Array,
    attribute: Uint8Array,
    value: Uint8Array,
    flags: number,
  ) => number;
  removexattrAt: (dir: number, name: Uint8Array, attribute: Uint8Array) => number;
  listxattrAt: (dir: number, name: Uint8Array) => Buffer | number;
  listNames: (dir: number) => Buffer | number;
  accessDirectory: (dir: number) => number;
  truncateFile: (fd: number, size: number) => number;
  writeFile: (fd: number, bytes: Uint8Array, position: number) => number;
  allocateFile: (fd: number, mode: number, offset: number, length: number) => number;
  seekFile: (fd: number, offset: number, whence: number) => number;
  copyRangeLater: (
    from: number,
    fromOffset: number,
    to: number,
    toOffset: number,
    length: number,
  ) => Promise<number>;
  writeLater: (fd: number, bytes: Uint8Array, position: number) => Promise<number>;
  syncLater: (fd: number, isDataOnly: boolean) => Promise<number>;
  syncFileSystemLater: (fd: number) => Promise<number>;
  getFlags: (fd: number) => number;
  setFlags: (fd: number, flags: number) => number;
  statfsAt: (fd: number, out: Float64Array) => number;
  lockFile: (fd: number) => number;
}
const calls = addon as UpperCalls;

/**
 * A descriptor of `name`, by openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS and
 * RESOLVE_NO_XDEV. An empty name opens the directory itself again. A fifo or device must be opened with O_PATH; a
 * symlink can be. Flags that openat2 doesn't know (FMODE_EXEC) are dropped; O_CREAT and O_TMPFILE are -EINVAL.
 */
export const openAt = calls.openAt;

/**
 * Opens the file of a descriptor (O_PATH or not) again, with other flags. -ENXIO for a device, fifo or socket, which is
 * not opened.
 */
export const reopen = calls.reopen;

/**
 * O_CREAT|O_EXCL: a descriptor of the new regular file. `flags` adds the access mode. The file system applies the
 * directory's default ACL, or else clears the bits of `umask`, as in every call that makes an inode.
 */
export const createAt = calls.createAt;

/** O_TMPFILE in `dir`. -EOPNOTSUPP if the file system has none. `linkAt(fd, '')` gives it a name. */
export const tmpfileAt = calls.tmpfileAt;

export const mkdirAt = calls.mkdirAt;

/** Makes a fifo, socket, device or regular file, as `mode` says. `rdev` as Attr.rdev. */
export const mknodAt = calls.mknodAt;

export const symlinkAt = calls.symlinkAt;

/**
 * Adds a name for a file. With an empty `fromName` the file is that of descriptor `fromDir`, which may be an O_TMPFILE.
 */
export const linkAt = calls.linkAt;
export const unlinkAt = calls.unlinkAt;
export const rmdirAt = calls.rmdirAt;

/** renameat2(2), with its flags. */
export const renameAt = calls.renameAt;

export const readlinkAt = calls.readlinkAt;

/** -EOPNOTSUPP for a symlink. */
export const chmodAt = calls.chmodAt;

/** KEEP_ID leaves the owner or the group unchanged. */
export const chownAt = calls.chownAt;
export const utimensAt = calls.utimensAt;

/** The whole value of an xattr. */
export const getxattrAt = calls.getxattrAt;
export const setxattrAt = calls.setxattrAt;
/** -EEXIST if the xattr exists. */
export const XATTR_CREATE = 1;
/** -ENODATA if the xattr doesn't exist. */
export const XATTR_REPLACE = 2;
export const removexattrAt = calls.removexattrAt;

/** Names, each terminated by NUL. The buffer is also empty if the file system has no xattrs. */
export const listxattrAt = calls.listxattrAt;

/**
 * All names of a directory except "." and "..", one after the other: u8 DT_* type (0: unknown), u8 length, the bytes.
 * `dir` is a descriptor (O_PATH suffices), whose position doesn't move. -EFBIG for more than 512 MiB. The atime stays
 * if this user owns the directory.
 */
export const listNames = calls.listNames;

/**
 * Reads the first names of a directory (O_PATH suffices), so that the kernel updates its atime by the rules of the
 * descriptor's mount.
 */
export const accessDirectory = calls.accessDirectory;

// File types in listings, dirent.h.
export const DT_UNKNOWN = 0;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_REG = 8;

/** ftruncate(2), of a descriptor open for writing. */
export const truncateFile = calls.truncateFile;

/**
 * pwrite(2) until all is written: the number of bytes written, which is smaller if an error (a full disk) came after
 * some.
 */
export const writeFile = calls.writeFile;

/** fallocate(2). */
export const allocateFile = calls.allocateFile;

/** lseek(2) with SEEK_DATA or SEEK_HOLE. It moves the descriptor's position, which no caller uses. */
export const seekFile = calls.seekFile;

/**
 * Copies on a pool thread until `length` bytes are copied or the source ends, by copy_file_range(2), or by read and
 * write if the file systems don't support it. Returns the number of bytes copied, fewer only at the end of `from`, or a
 * negative errno: -EINVAL for overlapping ranges of one file.
 */
export const copyRangeLater = calls.copyRangeLater;

/**
 * writeFile on a pool thread. `bytes` are copied first. The descriptor may be closed at once, as with all *Later calls.
 */
export const writeLater = calls.writeLater;

/** fsync(2) or fdatasync(2) on a pool thread, of a file or a directory. An O_PATH descriptor is opened again for it. */
export const syncLater = calls.syncLater;

/** syncfs(2) on a pool thread. */
export const syncFileSystemLater = calls.syncFileSystemLater;

/** FS_IOC_GETFLAGS. -ENOTTY if the file system has none. */
export const getFlags = calls.getFlags;
export const setFlags = calls.setFlags;

/** fstatfs(2): blocks, free, available, files, free files, block size (frsize), name length, f_type. */
export const statfsAt = calls.statfsAt;

/** flock(2) LOCK_EX | LOCK_NB: -EAGAIN if another process holds it. Held until the descriptor is closed. */
export const lockFile = calls.lockFile;
