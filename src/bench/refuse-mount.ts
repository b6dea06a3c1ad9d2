// Rejects a stratafs mount as the source: all contenders need the image, and a mount may contain changes.
import { realpath } from 'node:fs/promises';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { InputError } from '../vfs/input-error.ts';

/** Throws InputError if a stratafs file system is mounted at `source`. */
export async function refuseMount(source: string): Promise<void> {
  const place = await realpath(source).catch(() => undefined); // `source` may not be a path at all
  if (place === undefined) return;
  const found = mountAt(await readMountTable(), place);
  if (found?.type !== 'fuse.stratafs') return;
  throw new InputError(
    `${source}: found a mount, expected an image: name the mounted image instead, ${found.source}`,
  );
}
