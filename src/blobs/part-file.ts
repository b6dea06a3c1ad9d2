// PartFile: the file that a blob is fetched into, before it gets its final name.
//
//   <sha256>.part                       the chunks that have come, and the map of them; its user holds a lock (flock)
//   <sha256>.blob.<pid>.<random>.draft  the same of a process that found .part locked; removed if it does not get whole
//
// Only the process that holds the lock writes to .part, renames or removes it. So nobody can change bytes that another
// process has verified.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { draftName } from '../sys/drafts.ts';
import { lockFile } from '../sys/upper-calls.ts';
import { whyNotOwn } from '../sys/trusted-path.ts';
import { InputError } from '../vfs/input-error.ts';
import { type BlobKey, ChunkMap } from './chunk-map.ts';

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** The names of a file; undefined: it has none. */
type Place =
  | {
      readonly path: string;
      readonly target: string;
      /** A later run goes on with it. */ readonly isKept: boolean;
    }
  | undefined;

export class PartFile {
  /** Open for reading and writing. */
  readonly fd: number;
  readonly map: ChunkMap;
  readonly #size: number;
  readonly #place: Place;

  private constructor(fd: number, blob: BlobKey, place: Place) {
    this.fd = fd;
    this.map = ChunkMap.open(fd, blob);
    this.#size = blob.size;
    this.#place = place;
  }

  /**
   * What an earlier run left of the blob, or a new file. `directory` must be writable by this user only. Throws
   * InputError for a file that others could have written; Node's errors.
   */
  static open(directory: string, blob: BlobKey): PartFile {
    const stem = join(directory, blob.digest.slice('sha256:'.length));
    const target = `${stem}.blob`;
    const locked = openLocked(`${stem}.part`);
    const path = locked === undefined ? draftName(target) : `${stem}.part`;
    const fd = locked ?? openSync(path, 'wx+', 0o600);
    try {
      return new PartFile(fd, blob, { path, target, isKept: locked !== undefined });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** A file without a name, which is the caller's. */
  static unnamed(fd: number, blob: BlobKey): PartFile {
    return new PartFile(fd, blob, undefined);
  }

  /** Gives the file its final name. All bytes of the blob must be in it, verified and on the disk. */
  publish(): void {
    ftruncateSync(this.fd, this.#size);
    if (this.#place !== undefined) renameSync(this.#place.path, this.#place.target);
  }

  /** Throws away what has come. */
  remove(): void {
    if (this.#place === undefined) ftruncateSync(this.fd, 0);
    else rmSync(this.#place.path, { force: true });
  }

  /** Closes the file. A draft is removed, unless it was published. */
  close(): void {
    if (this.#place === undefined) return;
    if (!this.#place.isKept) this.remove();
    closeSync(this.fd);
  }
}

/** Removes the .part file `path`, unless a process is fetching into it: then false. Throws Node's errors. */
export function removeUnlocked(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, FLAGS & ~O_CREAT);
    if (lockFile(fd) < 0 || !isNamed(path, fd)) return false;
    rmSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A descriptor of the file that holds its lock; undefined if another process has it. */
function openLocked(path: string): number | undefined {
  for (;;) {
    const fd = openSync(path, FLAGS, 0o600);
    let isOurs = false;
    try {
      requireOwn(path, fd);
      if (lockFile(fd) < 0) return undefined;
      isOurs = isNamed(path, fd);
      if (isOurs) return fd;
    } finally {
      if (!isOurs) closeSync(fd);
    }
  }
}

/** False if another process published or removed the file between open and lock. */
function isNamed(path: string, fd: number): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

function requireOwn(path: string, fd: number): void {
  const stats = fstatSync(fd);
  const reason = stats.isFile() ? whyNotOwn(path, stats) : `${path} is not a regular file`;
  if (reason !== undefined) throw new InputError(reason);
}
