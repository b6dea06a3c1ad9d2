// System calls on other processes, for commands (native/addon/process_calls.cc).
import type { Socket } from 'node:net';
import { addon } from './addon.ts';

interface ProcessCalls {
  openProcess: (pid: number) => number;
  waitForExit: (process: number, milliseconds: number) => Promise<number>;
  askXattr: (path: string, name: string) => Promise<Buffer | number>;
  silence: (fd: number) => number;
  exitNow: (status: number) => never;
  peerOf: (socket: number) => [pid: number, uid: number] | number;
  becomeProgram: (path: string, args: readonly string[]) => number;
}
const calls = addon as ProcessCalls;

/** pidfd_open(2): a descriptor of the process, owned by the caller, or a negative errno (-ESRCH). */
export const openProcess = calls.openProcess;
/** Waits on a pool thread until the process has ended: 0, or -ETIMEDOUT. `process` stays open. */
export const waitForExit = calls.waitForExit;
/**
 * getxattr(2) on a pool thread: the value, or a negative errno. On a mount that hangs it may never settle, and it then
 * occupies a pool thread. A caller that gives up must end the process with `exitNow`.
 */
export const askXattr = calls.askXattr;
/** Redirects descriptor `fd` (a standard stream) to /dev/null: 0 or a negative errno. */
export const silence = calls.silence;
/** _exit(2): Node's own exit would wait for a pool thread that hangs. Flush first. */
export const exitNow: (status: number) => never = calls.exitNow;
/**
 * execve(2) with this process's environment and standard streams. `args` starts with the program's own name. Returns
 * only on failure: a negative errno.
 */
export const becomeProgram = calls.becomeProgram;
/**
 * The process, and its effective user ID, at the other end of a connected UNIX socket, as the kernel noted them when it
 * connected (SO_PEERCRED); a negative errno for another descriptor.
 */
export const peerOf = calls.peerOf;

/** True if the process at the other end of a connected UNIX socket is of this effective user. */
export function isOwnPeer(socket: Socket): boolean {
  // Node has no public way to a socket's descriptor.
  const { fd = -1 } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {};
  const peer = peerOf(fd);
  return typeof peer !== 'number' && peer[1] === process.geteuid?.();
}
