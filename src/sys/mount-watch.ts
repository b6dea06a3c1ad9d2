// Waits until a file system is no longer in the mount table. The kernel reports each change of the table as an error
// condition of its file (proc_pid_mounts(5)), which a DeviceWatch detects.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { DeviceWatch } from './device-watch.ts';
import { parseMountTable } from './mount-table.ts';
import { ErrnoError } from '../vfs/errno.ts';

const TABLE = '/proc/self/mountinfo';

/**
 * Resolves when no mount of this namespace has the device ("major:minor") any more, and keeps the event loop alive until
 * then. Rejects with ErrnoError if the table can't be watched.
 */
export async function untilUnmounted(device: string): Promise<void> {
  for (;;) {
    // Opened before it is read: a change in between is reported at once.
    const fd = openSync(TABLE, 'r');
    try {
      if (!parseMountTable(readFileSync(TABLE, 'utf8')).some((entry) => entry.device === device)) return;
      await nextChange(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function nextChange(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const watch = new DeviceWatch(fd, resolve);
    const status = watch.start();
    if (status < 0) reject(new ErrnoError(status, 'epoll_ctl', TABLE));
  });
}
