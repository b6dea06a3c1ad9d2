// Opens the file that a blob lies in. Its path was found earlier, and whoever may write to its directory can have put a symlink,
// a FIFO or another file there since: the file is compared with the one that was found, and opening it never waits.
import { type Stats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { InputError } from '../vfs/input-error.ts';
import type { BlobLocation } from './layer.ts';

export const BLOB_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A descriptor, the caller's. InputError if the file was replaced; Node's error if it can't be opened. */
export function openBlob(blob: BlobLocation): number {
  const fd = openSync(blob.path, BLOB_FLAGS);
  try {
    requireFound(blob, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** InputError if `stats`, of the file that was opened for `blob`, are those of another file than the one that was found. */
export function requireFound({ path, found }: BlobLocation, { dev, ino }: Pick<Stats, 'dev' | 'ino'>): void {
  if (found === undefined || (found.dev === dev && found.ino === ino)) return;
  throw new InputError(`${path}: was replaced by another file while it was read; try again`, {
    code: 'ERR_STRATAFS_CHANGED',
  });
}
