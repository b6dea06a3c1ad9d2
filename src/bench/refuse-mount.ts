// A mount of ours is no source here: contenders are given an image, and a mount may have been written to.
import { realpath } from 'node:fs/promises';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { InputError } from '../vfs/input-error.ts';

/** InputError where a file system of stratafs is mounted at `source`. */
export async function refuseMount(source: string): Promise<void> {
  const place = await realpath(source).catch(() => undefined); // it may be no path at all
  if (place === undefined) return;
  const found = mountAt(await readMountTable(), place);
  if (found?.type !== 'fuse.stratafs') return;
  throw new InputError(
    `${source}: found a mount, expected an image: name what is mounted there, ${found.source}`,
  );
}
