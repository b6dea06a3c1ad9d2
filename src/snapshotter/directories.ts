// What the snapshotter has on disk, beneath its root directory, which only root can enter:
//
//   journal              all snapshots (journal.ts)
//   lock                 held by the snapshotter that runs
//   snapshots/ID/fs      the files of a snapshot: an upper directory of overlayfs
//   snapshots/ID/work    its work directory
//   images/ID            where the image's layers up to the snapshot ID are mounted
//   blobs/HEX.blob       layers of images, whole, verified when they came
//   cache/               the cache directory of what reads and mounts images
//
// A directory is there before the journal names it, and is removed when the journal does so no more.
import { mkdirSync, readdirSync } from 'node:fs';
import { chmod, chown, lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from './journal.ts';
import type { ImageLayer, Snapshot, Usage } from './snapshot.ts';

/** Owner and mode of the root of a file system. */
export interface RootAttributes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export class Directories {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get journal(): string {
    return join(this.root, 'journal');
  }

  get lock(): string {
    return join(this.root, 'lock');
  }

  get cache(): string {
    return join(this.root, 'cache');
  }

  get blobs(): string {
    return join(this.root, 'blobs');
  }

  files({ id }: Pick<Snapshot, 'id'>): string {
    return join(this.root, 'snapshots', String(id), 'fs');
  }

  work({ id }: Pick<Snapshot, 'id'>): string {
    return join(this.root, 'snapshots', String(id), 'work');
  }

  image({ id }: Pick<Snapshot, 'id'>): string {
    return join(this.root, 'images', String(id));
  }

  blob({ digest }: Pick<ImageLayer, 'digest'>): string {
    return join(this.blobs, `${digest.slice('sha256:'.length)}.blob`);
  }

  /** Makes the folders. */
  make(): void {
    for (const name of ['snapshots', 'images', 'blobs', 'cache']) {
      mkdirSync(join(this.root, name), { recursive: true, mode: 0o700 });
    }
  }

  /** Makes the directory of a snapshot whose root looks like `attributes`. */
  async create(snapshot: Pick<Snapshot, 'id'>, { uid, gid, mode }: RootAttributes): Promise<void> {
    const files = this.files(snapshot);
    mkdirSync(files, { recursive: true });
    mkdirSync(this.work(snapshot), { mode: 0o711 });
    await chown(files, uid, gid);
    await chmod(files, mode & 0o7777); // whatever the umask
    syncDirectory(join(this.root, 'snapshots'));
  }

  /** Removes what is left of a snapshot. */
  async remove({ id }: Pick<Snapshot, 'id'>): Promise<void> {
    await rm(join(this.root, 'snapshots', String(id)), { recursive: true, force: true });
  }

  /**
   * Removes what belongs to no snapshot of `ids`, and blobs that are not in use, by digest. Returns why something could not be
   * removed.
   */
  async removeStrays(ids: readonly number[], isInUse: (digest: string) => boolean): Promise<Error[]> {
    const named = new Set(ids.map(String));
    const strays = readdirSync(join(this.root, 'snapshots'))
      .filter((name) => !named.has(name))
      .map((name) => join(this.root, 'snapshots', name));
    const blobs = readdirSync(this.blobs)
      .filter((name) => !isInUse(`sha256:${name.replace(/\.blob$/, '')}`))
      .map((name) => join(this.blobs, name));
    const removed = await Promise.allSettled(
      [...strays, ...blobs].map((path) => rm(path, { recursive: true, force: true })),
    );
    return removed.flatMap((each) => (each.status === 'rejected' ? (each.reason as Error) : []));
  }

  /** IDs of snapshots that a directory in images/ was made for. */
  imageIds(): number[] {
    return readdirSync(join(this.root, 'images')).map(Number);
  }
}

/** The disk space of all files beneath `path`; a file with several names counts once. */
export async function measureUsage(path: string): Promise<Usage> {
  let size = 0;
  const linked = new Set<string>();
  let inodes = 0;
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stats = await lstat(next);
    const name = `${stats.dev}:${stats.ino}`;
    if (linked.has(name)) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) linked.add(name);
    size += stats.blocks * 512;
    inodes++;
    if (!stats.isDirectory()) continue;
    // Names are bytes.
    for await (const { name: child } of await opendir(next, { encoding: 'latin1' as BufferEncoding })) {
      pending.push(`${next}/${child}`);
    }
  }
  return { size, inodes };
}
