// A lock by name that ends with its process (native/addon/name_lock.cc): an abstract UNIX socket address.
import { addon } from './addon.ts';

interface NameLock {
  lockName: (name: string) => number;
  nameHolder: (name: string) => [pid: number, uid: number] | number;
}
const calls = addon as NameLock;

/**
 * A descriptor that holds the lock until the caller closes it; -EADDRINUSE where another process has it. The name takes
 * at most 107 bytes, and is one for all processes of the network namespace.
 */
export const lockName = calls.lockName;
/** Process and effective user that hold the lock; a negative errno where nobody does, or it does not say. */
export const nameHolder = calls.nameHolder;
