// Which mounts are trusted, and who mounted them. A FUSE mount's facts come from its daemon, and any user may mount a FUSE file system that calls itself
// stratafs (fusermount3). The mounting user comes from the kernel: `user_id=` in the mount table. Only root can mount anything
// else, and only root writes the records of such mounts.
import { readFile } from 'node:fs/promises';
import { fuseUserOf } from '../../sys/fuse-user.ts';
import type { MountEntry } from '../../sys/mount-table.ts';
import { FUSE_TYPE } from './kernel-mount.ts';
import { InputError } from '../../vfs/input-error.ts';

/** The user ID of who mounted it; NaN if the kernel doesn't say. */
function mounterOf(entry: MountEntry): number {
  return entry.type === FUSE_TYPE ? fuseUserOf(entry) : 0;
}

/** Whether this user may open the paths that the mount names: it is this user's own, or root's. */
export function isTrustedMount(entry: MountEntry): boolean {
  return mounterOf(entry) === 0 || isOwnMount(entry);
}

/** InputError where it is not. */
export function requireTrustedMount(entry: MountEntry): void {
  if (isTrustedMount(entry)) return;
  const user = mounterOf(entry);
  throw new InputError(
    `${entry.mountPoint}: was mounted by another user (uid ${user}), whose word for where its image and its upper directory ` +
      `are is not taken; give the image itself as SOURCE, or run this as uid ${user}`,
  );
}

/** Whether this user mounted it. */
export function isOwnMount(entry: MountEntry): boolean {
  return mounterOf(entry) === process.geteuid?.();
}

/** `pid` if that process is of who mounted `entry`: another is not the daemon, and none to wait for or to end. */
export async function daemonOf(entry: MountEntry, pid: unknown): Promise<number | undefined> {
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined;
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => ''); // it has ended
  const [, user] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
  return user !== undefined && Number(user) === mounterOf(entry) ? pid : undefined;
}
