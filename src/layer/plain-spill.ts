// PlainSpill: uncompressed bytes that can't be read in place, written while a blob is scanned.
//
// They go into the cache directory, named by the blob's digest once they are whole, or, where nothing can be kept
// there, into a file without a name that is gone when it is closed. The oldest are dropped beyond a bound.
import { closeSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draftName, removeStaleDrafts } from './drafts.ts';
import { dropOldest } from './drop-oldest.ts';

/** All that the directory may hold, in bytes on disk. */
const DIRECTORY_LIMIT = 20 * 2 ** 30;
/** The part of the disk that is left free. */
const RESERVED = 0.05;

export class PlainSpill {
  /** Open for reading and writing. Owned by the spill until `keep` passes it on. */
  readonly fd: number;
  /** Bytes that may be written before the disk is too full. */
  readonly limit: number;
  readonly #directory: string | undefined;
  readonly #path: string;

  private constructor(directory: string | undefined, path: string, limit: number) {
    this.#directory = directory;
    this.#path = path;
    this.limit = limit;
    this.fd = openSync(path, 'wx+', 0o600);
  }

  /** @param directory where the bytes are kept; undefined: only for as long as the descriptor is open */
  static create(directory: string | undefined): PlainSpill {
    if (directory !== undefined) {
      removeStaleDrafts(directory);
      return new PlainSpill(directory, draftName(join(directory, 'draft')), room(directory));
    }
    // A new file that nobody else may open, under a name that nobody knows in advance.
    const path = draftName(join(tmpdir(), 'stratafs'));
    const spill = new PlainSpill(undefined, path, room(tmpdir()));
    rmSync(path, { force: true });
    return spill;
  }

  /** Keeps the bytes under the blob's sha256 and makes room by dropping the oldest. The descriptor is the caller's. */
  keep(sha256: string): number {
    if (this.#directory !== undefined) {
      const name = `${sha256}.tar`;
      renameSync(this.#path, join(this.#directory, name));
      dropOldest(this.#directory, '.tar', DIRECTORY_LIMIT, name);
    }
    return this.fd;
  }

  discard(): void {
    closeSync(this.fd);
    if (this.#directory !== undefined) rmSync(this.#path, { force: true });
  }
}

function room(directory: string): number {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return Math.max(0, bavail - Math.ceil(blocks * RESERVED)) * bsize;
}
