// Waits until a file system is no longer in the mount table. The kernel reports each change of the table as an error
// condition of its file (proc_pid_mounts(5)), which a DeviceWatch detects.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { DeviceWatch } from './device-watch.ts';
import { parseMountTable } from './mount-table.ts';
import { ErrnoError } from '../vfs/errno.ts';

const TABLE = '/proc/self/mountinfo';

/**
 * Resolves when no mount of this namespace has the device ("major:minor") any more, and keeps the event loop alive until
 * then. Rejects with ErrnoError if the table can't be watched.
 */
export async function untilUnmounted(device: string): Promise<void> {
  while (await isMountedAfterChange(device));
}

/** False if the device is not mounted; true after a change of the table. */
async function isMountedAfterChange(device: string): Promise<boolean> {
  const fd = openSync(TABLE, 'r');
  let change: () => void = () => undefined;
  const changed = new Promise<void>((resolve) => (change = resolve));
  const watch = new DeviceWatch(fd, change);
  try {
    const status = watch.start();
    if (status < 0) throw new ErrnoError(status, 'epoll_ctl', TABLE);
    // The file reports a change once, and the event loop loses the report if that is when it begins to poll, in its next turn.
    // So the table is read after that. The first of the two may still belong to the present turn.
    await setImmediate();
    await setImmediate();
    if (!isMounted(device)) return false;
    await changed;
    return true;
  } finally {
    watch.close();
    closeSync(fd);
  }
}

const isMounted = (device: string): boolean =>
  parseMountTable(readFileSync(TABLE, 'utf8')).some((entry) => entry.device === device);
