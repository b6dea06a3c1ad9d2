// The mount point before the mount: made absolute, looked at, and cleared of what a dead daemon left.
//
// A mount that lies there already is never touched by a path lookup: its daemon may be dead or stuck.
import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { mountAt, readMountTable } from '../../sys/mount-table.ts';
import { EINVAL, ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { detach } from './kernel-mount.ts';
import type { MountFacts } from './mount-facts.ts';
import { SilentMountError, findMountAt, isFuse } from './mounts.ts';

/**
 * `path` absolute and without symlinks, as the mount table writes it. InputError, which names it as `typed`, if it isn't
 * there.
 */
export async function locateMountPoint(path: string, typed = path): Promise<string> {
  const absolute = resolve(path);
  // The last component may be a mount: it is looked up in the table first.
  const parent = await follow(dirname(absolute), typed);
  const candidate = join(parent, basename(absolute));
  const entry = mountAt(await readMountTable(), candidate);
  if (entry !== undefined && isFuse(entry)) return candidate;
  return follow(candidate, typed);
}

/** "major:minor" of what was just mounted on `mountpoint`; empty where it is gone again. */
export async function deviceOfMount(mountpoint: string): Promise<string> {
  return mountAt(await readMountTable(), mountpoint)?.device ?? '';
}

async function follow(path: string, typed: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new InputError(`mount point ${typed}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such directory (make it first)';
    case 'ENOTDIR':
      return 'found something else, expected a directory';
    case 'EACCES':
      return 'may not be looked at (EACCES)';
    case 'ENOTCONN':
      return 'lies in a dead FUSE mount (ENOTCONN)';
    default:
      return String(code ?? error);
  }
}

/**
 * Makes `path` ready to be mounted on and answers it absolute; errors name it as `typed`. A dead stratafs mount there is cleared away. A
 * directory with something in it is allowed: `onWarning` hears of it. InputError for all that can't be mounted on.
 */
export async function prepareMountPoint(
  path: string,
  onWarning: (text: string) => void,
  typed = path,
): Promise<string> {
  const mountpoint = await locateMountPoint(path, typed);
  const found = await findMountAt(mountpoint);
  if (found !== undefined) {
    const { answer, entry } = found;
    if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
    if (answer.kind !== 'dead') {
      const source = answer.kind === 'answered' ? (answer.json as Partial<MountFacts>).source : undefined;
      throw new InputError(`${mountpoint}: already a stratafs mount of ${source ?? entry.source}`, {
        code: 'ERR_STRATAFS_ALREADY_MOUNTED',
      });
    }
    await clearDead(mountpoint, entry.source);
    onWarning(`${mountpoint}: cleared the mount of ${entry.source}, whose daemon is gone`);
    return prepareMountPoint(mountpoint, onWarning, typed);
  }
  const stats = await lstat(mountpoint);
  if (!stats.isDirectory()) throw new InputError(`mount point ${typed}: found a file, expected a directory`);
  if (await hasEntries(mountpoint)) {
    onWarning(`${mountpoint}: not empty; what is in it stays hidden while the mount lasts`);
  }
  return mountpoint;
}

async function clearDead(mountpoint: string, source: string): Promise<void> {
  try {
    await detach(mountpoint, 'lazy');
  } catch (error) {
    // fusermount3 finds no mount of this user there.
    if (!(error instanceof ErrnoError) || error.errno !== -EINVAL) throw error;
    throw new InputError(
      `${mountpoint}: a mount of ${source} is there, whose daemon is gone; only root, or the user who mounted it, can clear it: stratafs unmount ${mountpoint}`,
      { cause: error },
    );
  }
}

/** A directory that may not be read is not our business: the kernel decides whether it may be mounted on. */
async function hasEntries(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0;
  } catch {
    return false;
  }
}
