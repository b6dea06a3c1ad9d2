// Who calls.
import { Call } from '../../vfs/operation.ts';

/**
 * A call of this process's own user. The package doesn't tell who calls; but where no other users are let in, the kernel
 * lets only those in whose user and group IDs are all those of the process that mounted.
 */
export function newCall(): Call {
  return new Call(process.geteuid?.() ?? 0, process.getegid?.() ?? 0, process.pid);
}
