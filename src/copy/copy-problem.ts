// Separates failures that concern one path, which are reported before the copy goes on, from those that end it.
import {
  EACCES,
  EDQUOT,
  EEXIST,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENODEV,
  ENOMEM,
  ENOSPC,
  ENOTCONN,
  ENOTDIR,
  EPERM,
  EROFS,
  ESTALE,
  EXDEV,
  errnoName,
} from '../vfs/errno.ts';

/** Nothing more can be copied after one of them. */
const ENDS_COPY = new Set([ENOSPC, EDQUOT, EIO, EROFS, EMFILE, ENFILE, ENOMEM, ENODEV, ENOTCONN, ESTALE]);

export function endsCopy(errno: number): boolean {
  return ENDS_COPY.has(Math.abs(errno));
}

const reasons = new Map([
  [EACCES, 'no permission'],
  [EPERM, 'not permitted'],
  [EISDIR, 'a directory is there, which is not replaced'],
  [EEXIST, 'another program made a file there meanwhile'],
  [ENOTDIR, 'something other than a directory is there, which is not replaced by a directory'],
  [ELOOP, 'a symlink is there, which is not followed'],
  [EXDEV, 'another file system is mounted there; copy into it separately'],
  [ENAMETOOLONG, 'the name is too long for the file system'],
  [EINVAL, 'the file system refuses it'],
]);

/** The reason of a failure (a positive or negative errno) at one path, for people. */
export function describeProblem(errno: number, call: string): string {
  const reason = reasons.get(Math.abs(errno)) ?? `${call} failed`;
  return `${reason} (${errnoName(errno)})`;
}
