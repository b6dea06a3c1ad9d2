// The lock of an upper whose mount is gone: umount(8) returns before the daemon has written and closed all, so who mounts
// the same upper again has to wait for it.
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { MountFacts } from '../fuse/mounts/mount-facts.ts';
import { findMounts } from '../fuse/mounts/mounts.ts';
import { lockFile } from '../sys/upper-calls.ts';
import { EAGAIN } from '../vfs/errno.ts';

/** Between two tries; for how long at most: what the daemon syncs may be much. Milliseconds. */
const PAUSE = 10;
const PATIENCE = 10_000;

/**
 * Resolves once the directory `upper` (absolute, resolved) is not locked, or is by what still is mounted or won't let go: then
 * opening it says so.
 */
export async function untilReleased(upper: string, signal: AbortSignal | undefined): Promise<void> {
  const fd = openSync(upper, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (let waited = 0; lockFile(fd) === -EAGAIN && waited < PATIENCE; waited += PAUSE) {
      if (waited === 0 && (await isMounted(upper))) return;
      await setTimeout(PAUSE, undefined, signal === undefined ? {} : { signal });
    }
  } finally {
    closeSync(fd);
  }
}

async function isMounted(upper: string): Promise<boolean> {
  const mounts = await findMounts();
  return mounts.some(
    ({ answer }) => answer.kind === 'answered' && (answer.json as MountFacts).upper === upper,
  );
}
