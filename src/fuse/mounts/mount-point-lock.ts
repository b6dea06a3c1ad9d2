// One mount at a time is made on a mount point: mount(2) would put the second on top of the first.
//
// The lock is a name that ends with its process, so nothing is left of it after a crash. Anybody can take such a name:
// only a holder of our own user, or root, is believed. Processes of different network namespaces don't see each other.
import { createHash } from 'node:crypto';
import { closeSync, readlinkSync } from 'node:fs';
import { lockName, nameHolder } from '../../sys/name-lock.ts';
import { EADDRINUSE } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';

/**
 * Locks `mountpoint` (absolute, without symlinks) until the answer is called. InputError where another process is
 * mounting there.
 */
export function lockMountPoint(mountpoint: string): () => void {
  const name = lockNameOf(mountpoint);
  const lock = lockName(name);
  if (lock >= 0) return () => closeSync(lock);
  // If a security policy forbids such sockets, mounting goes on without the lock.
  if (lock === -EADDRINUSE) {
    const holder = nameHolder(name);
    if (typeof holder !== 'number' && isBelieved(holder[1])) {
      throw new InputError(`${mountpoint}: another stratafs (pid ${holder[0]}) is mounting there`);
    }
  }
  return () => undefined;
}

/** The same directory of another mount namespace is another mount point. */
export function lockNameOf(mountpoint: string): string {
  const namespace = readlinkSync('/proc/self/ns/mnt');
  const place = createHash('sha256').update(`${namespace} ${mountpoint}`).digest('hex');
  return `stratafs-mount-${place}`;
}

function isBelieved(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}
