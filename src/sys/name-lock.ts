// A lock by name that ends with its process: an abstract UNIX socket address (native/addon/name_lock.cc).
import { addon } from './addon.ts';

interface NameLock {
  lockName: (name: string) => number;
  nameHolder: (name: string) => [pid: number, uid: number] | number;
}
const calls = addon as NameLock;

/**
 * A descriptor that holds the lock until the caller closes it; -EADDRINUSE if another process has it. A name has at
 * most 107 bytes, and is common to all processes of the network namespace.
 */
export const lockName = calls.lockName;
/**
 * The pid and effective UID of the process that holds the lock; a negative errno if none does, or if it is not known.
 */
export const nameHolder = calls.nameHolder;
