// Errno values, and ErrnoError, the one error type that carries them.
//
// Inside handlers expected failures are values, as in the kernel: 0 for success, otherwise a negative errno (-ENOENT).
// ErrnoError is for everything else. It has the shape of Node's own errors (code, negative errno, syscall, path).
import { constants } from 'node:os';

export const {
  EADDRINUSE,
  EPERM,
  ENOENT,
  EINTR,
  EIO,
  ENXIO,
  E2BIG,
  EBADF,
  EAGAIN,
  ENOMEM,
  EACCES,
  EBUSY,
  EEXIST,
  EXDEV,
  ENODEV,
  ENOTDIR,
  EISDIR,
  EINVAL,
  ENFILE,
  EMFILE,
  ENOTTY,
  EFBIG,
  ENOSPC,
  EROFS,
  EMLINK,
  ETXTBSY,
  EDQUOT,
  ERANGE,
  ENAMETOOLONG,
  ENOSYS,
  ENOTEMPTY,
  ELOOP,
  EILSEQ,
  ENODATA,
  EPROTO,
  EOVERFLOW,
  EOPNOTSUPP,
  ECONNABORTED,
  ENOTCONN,
  ESTALE,
  ETIMEDOUT,
} = constants.errno;

const names = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));

/** The symbolic name of a positive or negative errno ("ENOENT"); "E<n>" if the system has no name for it. */
export function errnoName(errno: number): string {
  const value = Math.abs(errno);
  return names.get(value) ?? `E${value}`;
}

/** A failed system call, in the shape of Node's own errors: `errno` is negative. */
export class ErrnoError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;

  constructor(errno: number, syscall: string, path?: string, detail?: string) {
    const code = errnoName(errno);
    super(`${code}: ${syscall}${path === undefined ? '' : ` '${path}'`}${detail ? `: ${detail}` : ''}`);
    this.name = 'ErrnoError';
    this.code = code;
    this.errno = -Math.abs(errno);
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
  }
}
