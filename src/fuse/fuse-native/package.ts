// The npm package fuse-native 2: how it is found, and as much of its interface as is used here.
//
// It is an optional peer: whoever asks for this driver installs it. What it serves, libfuse 2 reads from the kernel on
// threads of its own, which wait for the event loop's answer to every call.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { InputError } from '../../vfs/input-error.ts';

const INSTALL = 'npm install fuse-native, and libfuse 2 (apt install libfuse2)';

/** Answers a call: 0, a count or a negative errno, and what the call asks for. */
export type Answer<T extends unknown[] = []> = (status: number, ...values: T) => void;

/** struct stat as the package takes it. Times are whole milliseconds since 1970, none before; `ino` has 32 bits. */
export interface PackageStat {
  readonly mode: number;
  readonly ino: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blocks: number;
  readonly blksize: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

/** struct statvfs likewise; every number has 32 bits. */
export interface PackageStatFs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly favail: number;
  readonly namemax: number;
}

/** libfuse's calls, all by path. A file handle is an unsigned 32-bit number, not 0. Buffers are lent until the answer. */
export interface PackageOperations {
  getattr(path: string, answer: Answer<[PackageStat?]>): void;
  readlink(path: string, answer: Answer<[string?]>): void;
  readdir(path: string, answer: Answer<[string[]?, PackageStat[]?]>): void;
  statfs(path: string, answer: Answer<[PackageStatFs?]>): void;
  open(path: string, flags: number, answer: Answer<[number?]>): void;
  read(path: string, handle: number, into: Buffer, length: number, offset: number, answer: Answer): void;
  release(path: string, handle: number, answer: Answer): void;
}

/** The calls of a writable mount. To utimens the package hands the access time on as both times. */
export interface PackageChanges {
  create(path: string, mode: number, answer: Answer<[number?]>): void;
  mknod(path: string, mode: number, rdev: number, answer: Answer): void;
  mkdir(path: string, mode: number, answer: Answer): void;
  symlink(target: string, path: string, answer: Answer): void;
  link(existing: string, path: string, answer: Answer): void;
  unlink(path: string, answer: Answer): void;
  rmdir(path: string, answer: Answer): void;
  rename(from: string, to: string, answer: Answer): void;
  write(path: string, handle: number, bytes: Buffer, length: number, offset: number, answer: Answer): void;
  truncate(path: string, size: number, answer: Answer): void;
  ftruncate(path: string, handle: number, size: number, answer: Answer): void;
  chmod(path: string, mode: number, answer: Answer): void;
  /** 0xffffffff: stays as it is. */
  chown(path: string, uid: number, gid: number, answer: Answer): void;
  utimens(path: string, atime: number, mtime: number, answer: Answer): void;
  fsync(path: string, isDataOnly: number, handle: number, answer: Answer): void;
  fsyncdir(path: string, isDataOnly: number, handle: number, answer: Answer): void;
  setxattr(path: string, name: string, value: Buffer, position: number, flags: number, answer: Answer): void;
  removexattr(path: string, name: string, answer: Answer): void;
}

/** Of these two the package only asks whether they are there: BoundFuse answers them. */
interface XattrMarks {
  readonly getxattr: true;
  readonly listxattr: true;
}

/** The package's class, with the members that it calls itself and that BoundFuse replaces. */
export interface PackageFuse {
  readonly mnt: string;
  /** The state of the native side. */
  readonly _thread: Buffer;
  open(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
  /** `-o` and libfuse's mount options, 1023 bytes at most. */
  _fuseOptions(): string;
  _op_getxattr(signal: XattrSignal, path: string, name: string, into: Buffer): void;
  _op_listxattr(signal: XattrSignal, path: string, into: Buffer): void;
  _close(done: (error: Error | null) => void): void;
}

/** Takes a length or a negative errno, and the memory that the value was put into. */
export type XattrSignal = (result: number, memory: ArrayBufferLike) => void;

export type PackageFuseClass = new (
  mountpoint: string,
  operations: PackageOperations & Partial<PackageChanges> & XattrMarks,
  options: { readonly timeout: false },
) => PackageFuse;

interface PackageBinding {
  fuse_native_unmount(mountpoint: string, thread: Buffer): void;
}

export interface FuseNativePackage {
  readonly Fuse: PackageFuseClass;
  /** Its native side, as it loads it itself. */
  readonly binding: PackageBinding;
}

/** The package, loaded. InputError where it is not installed, or can't be loaded. */
export function loadFuseNative(): FuseNativePackage {
  const require = createRequire(import.meta.url);
  try {
    const main = require.resolve('fuse-native');
    const load = createRequire(main)('node-gyp-build') as (directory: string) => PackageBinding;
    return { Fuse: require(main) as PackageFuseClass, binding: load(dirname(main)) };
  } catch (error) {
    throw new InputError(`driver=fuse-native: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'MODULE_NOT_FOUND') return `the package fuse-native is not installed: ${INSTALL}`;
  const said = String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
  return code === 'ERR_DLOPEN_FAILED'
    ? `the package fuse-native can't be loaded (${said}): ${INSTALL}`
    : `the package fuse-native can't be loaded: ${said}`;
}
