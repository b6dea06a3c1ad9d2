// Opens the file of a blob. A user who can write to its directory may have put a symlink, a FIFO or another file there
// since its path was found. So the file is compared with the one that was found, and opening it never waits.
import { type Stats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { InputError } from '../vfs/input-error.ts';
import type { BlobLocation } from './layer.ts';

export const BLOB_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A descriptor, owned by the caller. InputError if the file was replaced; Node's error if it can't be opened. */
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

/** Throws InputError unless `stats`, of the file that was opened for `blob`, are those of the file that was found. */
export function requireFound({ path, found }: BlobLocation, { dev, ino }: Pick<Stats, 'dev' | 'ino'>): void {
  if (found === undefined || (found.dev === dev && found.ino === ino)) return;
  throw new InputError(`${path}: was replaced by another file while it was read; try again`, {
    code: 'ERR_STRATAFS_CHANGED',
  });
}
