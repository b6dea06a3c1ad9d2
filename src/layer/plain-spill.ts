// PlainSpill: uncompressed bytes that can't be read in place, written while a blob is scanned.
//
// They go into the cache directory, under the blob's digest once they are complete. If nothing can be saved there, they
// go into an unnamed file, which ends with its descriptor. Beyond a size limit the oldest files are deleted.
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draftName, removeStaleDrafts } from '../sys/drafts.ts';
import { roomIn } from './disk-room.ts';
import { dropOldest } from './drop-oldest.ts';

/** Limit of the directory, in bytes on disk. */
const DIRECTORY_LIMIT = 20 * 2 ** 30;

export class PlainSpill {
  /** Open for reading and writing. The spill owns it until `keep` returns it. */
  readonly fd: number;
  /** Limit of the bytes to write, so that the disk doesn't fill up. */
  readonly limit: number;
  readonly #directory: string | undefined;
  readonly #path: string;

  private constructor(directory: string | undefined, path: string, limit: number) {
    this.#directory = directory;
    this.#path = path;
    this.limit = limit;
    this.fd = openSync(path, 'wx+', 0o600);
  }

  /** @param directory the place to save the bytes; undefined: they end with the descriptor */
  static create(directory: string | undefined): PlainSpill {
    if (directory !== undefined) {
      removeStaleDrafts(directory);
      return new PlainSpill(directory, draftName(join(directory, 'draft')), roomIn(directory));
    }
    // A new file under an unpredictable name, which no other user can open.
    const path = draftName(join(tmpdir(), 'stratafs'));
    const spill = new PlainSpill(undefined, path, roomIn(tmpdir()));
    rmSync(path, { force: true });
    return spill;
  }

  /**
   * Saves the bytes under the blob's sha256 and deletes the oldest files beyond the limit. The caller owns the
   * descriptor.
   */
  keep(sha256: string): number {
    if (this.#directory !== undefined) {
      const name = `${sha256}.tar`;
      renameSync(this.#path, join(this.#directory, name));
      dropOldest(this.#directory, ['.tar'], DIRECTORY_LIMIT, (other) => other === name);
    }
    return this.fd;
  }

  discard(): void {
    closeSync(this.fd);
    if (this.#directory !== undefined) rmSync(this.#path, { force: true });
  }
}
