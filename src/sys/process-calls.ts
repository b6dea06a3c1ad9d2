// What a command needs of other processes (native/process_calls.cc).
import { addon } from './addon.ts';

export interface ProcessCalls {
  /** pidfd_open(2): a descriptor of the process, owned by the caller, or a negative errno (-ESRCH). */
  readonly openProcess: (pid: number) => number;
  /** Waits on a pool thread until the process has ended: 0, or -ETIMEDOUT. `process` stays open. */
  readonly waitForExit: (process: number, milliseconds: number) => Promise<number>;
  /**
   * lgetxattr(2) on a pool thread: the value, or a negative errno. A mount that hangs may never let it settle, and
   * then keeps a pool thread: whoever gives up waiting ends the process by `exitNow`.
   */
  readonly askXattr: (path: string, name: string) => Promise<Buffer | number>;
  /** Makes descriptor `fd` (a standard stream) /dev/null: 0 or a negative errno. */
  readonly silence: (fd: number) => number;
  /** _exit(2): Node's own exit would wait for a pool thread that is stuck. Flush first. */
  readonly exitNow: (status: number) => never;
}

export const { openProcess, waitForExit, askXattr, silence, exitNow } = addon as ProcessCalls;
