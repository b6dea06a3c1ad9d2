// Turns a failed write into a message that names the file and the reason instead of the bare system call.
import { InputError } from './input-error.ts';

/** Reasons that concern the target. EIO is ambiguous: when bytes are copied, the source may have failed. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than its file system or "ulimit -f" allows',
  EIO: 'the device reports an error',
  EROFS: 'the file system is read-only',
};

/** `error` of writing to `path` as an InputError that names it; any other failure as it is. */
export function writeFailure(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = reasons[code];
  return reason === undefined ? error : new InputError(`${path}: ${reason} (${code})`, { cause: error });
}
