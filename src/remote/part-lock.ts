// Only one process at a time goes on with a partial download.
import { closeSync } from 'node:fs';
import { lockName } from '../sys/name-lock.ts';

/** Unlocks; undefined if another process has the lock. `hex`: the blob's sha256. */
export function lockPart(hex: string): (() => void) | undefined {
  const fd = lockName(`stratafs-blob-${process.geteuid?.() ?? 0}-${hex}`);
  return fd < 0 ? undefined : () => closeSync(fd);
}
