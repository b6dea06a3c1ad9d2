// Bounds the size of a folder of the cache directory: deletes the least recently used files first, by mtime.
import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Deletes files that end in one of `suffixes`, oldest mtime first, until the rest takes at most `limit` bytes on disk. Files
 * that `isProtected` are never deleted, nor those that `remove` leaves (false). Throws Node's errors.
 */
export function dropOldest(
  directory: string,
  suffixes: readonly string[],
  limit: number,
  isProtected: (name: string) => boolean,
  remove: (path: string) => boolean = removeFile,
): void {
  const files = readdirSync(directory)
    .filter((name) => suffixes.some((suffix) => name.endsWith(suffix)))
    .flatMap((name) => {
      const stats = lstatSync(join(directory, name), { throwIfNoEntry: false });
      return stats?.isFile() !== true ? [] : { name, bytes: stats.blocks * 512, mtimeMs: stats.mtimeMs };
    })
    .sort((a, b) => a.mtimeMs - b.mtimeMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const { name, bytes } of files) {
    if (total <= limit) return;
    if (!isProtected(name) && remove(join(directory, name))) total -= bytes;
  }
}

/** A mount that has the file open can still read it. */
function removeFile(path: string): boolean {
  rmSync(path, { force: true });
  return true;
}

/** Marks a file as used now. */
export function noteUse(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // EROFS, EACCES, EPERM: a user who can't write there can't delete there either. ENOENT: another process has deleted
    // it.
  }
}
