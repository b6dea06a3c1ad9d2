// Read-ahead of a mount: how far the kernel reads on when a file is read sequentially.
//
// FUSE mounts get 128 KiB, and INIT can only lower that. Root can raise it in sysfs: with one request of about 1 MiB
// where eight of 128 KiB were, a cached 600 MB file was read 4 times as fast.
import createDebug from 'debug';
import { writeFile } from 'node:fs/promises';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { MAX_TRANSFER } from './wire/protocol.ts';

const debug = createDebug('stratafs:fuse');

/** Raises the read-ahead of the mount at `mountpoint` to the largest request, where this process may. */
export async function raiseReadAhead(mountpoint: string): Promise<void> {
  try {
    const device = mountAt(await readMountTable(), mountpoint)?.device;
    if (device !== undefined) {
      await writeFile(`/sys/class/bdi/${device}/read_ahead_kb`, String(MAX_TRANSFER >> 10));
    }
  } catch (error) {
    // EACCES, EROFS, ENOENT: not root, or sysfs is not there or not writable; the mount is only slower.
    debug('%s: read-ahead stays as it is: %O', mountpoint, error);
  }
}
