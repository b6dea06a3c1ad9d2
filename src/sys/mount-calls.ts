// mount(2) and related calls (native/addon/mount_calls.cc). Each returns a descriptor or 0, or a negative errno.
import { addon } from './addon.ts';

interface MountCalls {
  openDevice: (path: string) => number;
  mount: (source: string, target: string, type: string, flags: number, options: string) => number;
  mountOnPool: (
    source: string,
    target: string,
    type: string,
    flags: number,
    options: string,
  ) => Promise<number>;
  unmount: (target: string, flags: number) => Promise<number>;
  cloneMount: (path: string, set: number, clear: number) => number;
  socketPair: () => [number, number] | number;
  receiveDescriptor: (socket: number) => number;
  makeMemoryFile: (name: string) => number;
  sendDescriptors: (socket: number, bytes: Uint8Array, first: number, second: number) => number;
}
const calls = addon as MountCalls;

/** open(2) of the FUSE device, close-on-exec and non-blocking: a descriptor of a new connection. */
export const openDevice = calls.openDevice;
/** mount(2). */
export const mount = calls.mount;
/** mount(2) on a pool thread: for a file system that may read, while it is mounted, what this process serves. */
export const mountOnPool = calls.mountOnPool;
/** umount2(2), on a pool thread: it may wait for an answer of this process, so the event loop must not block. */
export const unmount = calls.unmount;
/**
 * open_tree(2) with OPEN_TREE_CLONE, then mount_setattr(2) on the clone: an O_PATH descriptor of `path` in a private
 * mount, without the mounts beneath. The mount ends with the last descriptor in it. Needs root and Linux 5.12.
 */
export const cloneMount = calls.cloneMount;
/** A pair of connected UNIX sockets, owned by the caller. */
export const socketPair = calls.socketPair;
/** A descriptor that was sent over `socket` (SCM_RIGHTS); -EAGAIN if none has arrived. */
export const receiveDescriptor = calls.receiveDescriptor;
/** memfd_create(2): a descriptor of an empty file in memory, close-on-exec. `name` is for /proc only. */
export const makeMemoryFile = calls.makeMemoryFile;
/** Sends `bytes` and two descriptors (SCM_RIGHTS) as one message over `socket`; the descriptors stay open here. */
export const sendDescriptors = calls.sendDescriptors;

// Flags of mount(2), linux/mount.h.
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_SYNCHRONOUS = 16;
export const MS_DIRSYNC = 128;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_STRICTATIME = 1 << 24;

/** Attributes of `cloneMount`, linux/mount.h. MOUNT_ATTR__ATIME is a bit field, in which relatime is 0. */
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;

/** The flags, by the names that mount(8) gives them. */
export const mountFlags = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  sync: MS_SYNCHRONOUS,
  dirsync: MS_DIRSYNC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  strictatime: MS_STRICTATIME,
} as const;
/** A flag of mount(2), by the name that mount(8) gives it. */
export type MountFlagName = keyof typeof mountFlags;

/** The names of the flags that are set. */
export function mountFlagNames(flags: number): MountFlagName[] {
  return (Object.keys(mountFlags) as MountFlagName[]).filter((name) => (flags & mountFlags[name]) !== 0);
}

/** umount2(2): aborts a FUSE connection first, so that nothing waits for its daemon. */
export const MNT_FORCE = 1;
/** umount2(2): detaches the mount now, and ends it when it is no longer busy. */
export const MNT_DETACH = 2;
/** umount2(2): doesn't follow the target if it is a symlink. */
export const UMOUNT_NOFOLLOW = 8;
