// The caller of a request.
import { Call } from '../../vfs/operation.ts';

/**
 * A call of this process's own user. The package doesn't pass the caller on; but without allow_other the kernel
 * gives access only to processes whose user and group IDs are all those of the process that mounted.
 */
export function newCall(): Call {
  return new Call(process.geteuid?.() ?? 0, process.getegid?.() ?? 0, process.pid);
}
