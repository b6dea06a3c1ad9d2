// Bounds what a folder of the cache directory holds: what was longest unused goes first, by mtime.
import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Drops files that end in `suffix`, those with the oldest mtimes first, until all of them take at most `limit` bytes on
 * disk. `kept` stays in any case. Throws Node's errors.
 */
export function dropOldest(directory: string, suffix: string, limit: number, kept: string): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .flatMap((name) => {
      const stats = lstatSync(join(directory, name), { throwIfNoEntry: false });
      return stats?.isFile() !== true ? [] : { name, bytes: stats.blocks * 512, mtimeMs: stats.mtimeMs };
    })
    .sort((a, b) => a.mtimeMs - b.mtimeMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const { name, bytes } of files) {
    if (total <= limit) return;
    if (name === kept) continue;
    rmSync(join(directory, name), { force: true }); // a mount that has it open goes on reading it
    total -= bytes;
  }
}

/** Tells of a file that it is used. */
export function noteUse(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // EROFS, EACCES, EPERM: who may not write there drops nothing either; ENOENT: another has just dropped it.
  }
}
