// What a command needs of other processes (native/addon/process_calls.cc).
import { addon } from './addon.ts';

interface ProcessCalls {
  openProcess: (pid: number) => number;
  waitForExit: (process: number, milliseconds: number) => Promise<number>;
  askXattr: (path: string, name: string) => Promise<Buffer | number>;
  silence: (fd: number) => number;
  exitNow: (status: number) => never;
  becomeProgram: (path: string, args: readonly string[]) => number;
}
const calls = addon as ProcessCalls;

/** pidfd_open(2): a descriptor of the process, owned by the caller, or a negative errno (-ESRCH). */
export const openProcess = calls.openProcess;
/** Waits on a pool thread until the process has ended: 0, or -ETIMEDOUT. `process` stays open. */
export const waitForExit = calls.waitForExit;
/**
 * getxattr(2) on a pool thread: the value, or a negative errno. A mount that hangs may never let it settle, and then
 * keeps a pool thread: whoever gives up waiting ends the process by `exitNow`.
 */
export const askXattr = calls.askXattr;
/** Makes descriptor `fd` (a standard stream) /dev/null: 0 or a negative errno. */
export const silence = calls.silence;
/** _exit(2): Node's own exit would wait for a pool thread that is stuck. Flush first. */
export const exitNow: (status: number) => never = calls.exitNow;
/**
 * execve(2) with this environment and standard streams: `args` begins with the program's own name. Answers a negative errno
 * where the program can't be run, and nothing otherwise.
 */
export const becomeProgram = calls.becomeProgram;
