// File system calls that Node lacks (native/addon/file_calls.cc). Each returns a result or a negative errno.
import { addon } from './addon.ts';

interface FileCalls {
  openBeneath: (directory: number, path: Uint8Array, flags: number) => number;
  readDirectoryBatch: (directory: number) => Buffer | number;
}
const calls = addon as FileCalls;

/**
 * openat2(2), Linux 5.6: a close-on-exec descriptor, owned by the caller. It follows no symlink of `path` (-ELOOP) and
 * stays beneath the directory (-EXDEV). An empty path is the directory itself.
 */
export const openBeneath = calls.openBeneath;

/**
 * The next entries of a directory that is open for reading, "." and ".." among them, end to end; empty at the end.
 * No symlink is followed. Entries that vanish meanwhile are left out. Numbers are little-endian.
 * | offset | size | name         | meaning |
 * | ---    | ---  | ---          | ---     |
 * | 0      | 4    | recordLength | of this entry, padding to 8 included |
 * | 4      | 2    | nameLength   | bytes |
 * | 6      | 2    | flags        | 1: the root of a mount |
 * | 8      | 4    | mode         | as st_mode |
 * | 12     | 4    | uid          | |
 * | 16     | 4    | gid          | |
 * | 20     | 4    | linkCount    | |
 * | 24     | 4    | rdevMajor    | |
 * | 28     | 4    | rdevMinor    | |
 * | 32     | 4    | mtimeNsec    | |
 * | 36     | 4    | atimeNsec    | |
 * | 40     | 4    | targetLength | bytes of a symlink's target |
 * | 44     | 4    | xattrsLength | bytes of xattrs; 0: none |
 * | 48     | 8    | size         | f64 |
 * | 56     | 8    | mtimeSec     | f64 |
 * | 64     | 8    | atimeSec     | f64 |
 * | 72     | 8    | ino          | u64 |
 * | 80     | 8    | dev          | u32 major, u32 minor |
 * | 88     |      |              | name, target, xattrs: u16 count, each u8 name length, u32 value length, name, value |
 */
export const readDirectoryBatch = calls.readDirectoryBatch;

/** Offsets in an entry, in bytes. */
export const EntryField = {
  recordLength: 0,
  nameLength: 4,
  flags: 6,
  mode: 8,
  uid: 12,
  gid: 16,
  linkCount: 20,
  rdevMajor: 24,
  rdevMinor: 28,
  mtimeNsec: 32,
  atimeNsec: 36,
  targetLength: 40,
  xattrsLength: 44,
  size: 48,
  mtimeSec: 56,
  atimeSec: 64,
  ino: 72,
  dev: 80,
  name: 88,
} as const;

/** Bits of `flags`. */
export const ENTRY_IS_MOUNT_ROOT = 1;
export const ENTRY_IS_IMMUTABLE = 2;
export const ENTRY_IS_APPEND_ONLY = 4;
