// PlainSpill: uncompressed bytes that can't be read in place, written while a blob is scanned.
//
// They go into the cache directory, named by the blob's digest once they are whole, or, where nothing can be kept
// there, into a file without a name that is gone when it is closed. The oldest are dropped beyond a bound.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
    const parent = mkdtempSync(join(tmpdir(), 'stratafs-'));
    try {
      return new PlainSpill(undefined, join(parent, 'plain.tar'), room(parent));
    } finally {
      rmSync(parent, { recursive: true });
    }
  }

  /** Keeps the bytes under the blob's sha256 and makes room by dropping the oldest. The descriptor is the caller's. */
  keep(sha256: string): number {
    if (this.#directory !== undefined) {
      const name = `${sha256}.tar`;
      renameSync(this.#path, join(this.#directory, name));
      evict(this.#directory, name);
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

/** A name beside `path` that no other writer has, and that tells whose it is. */
export function draftName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.draft`;
}

/** Drafts of processes that are gone. */
function removeStaleDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /\.(\d+)\.[0-9a-f]+\.draft$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else; ESRCH: it is gone.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function evict(directory: string, kept: string): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.tar'))
    .map((name) => {
      const { blocks, mtimeMs } = statSync(join(directory, name));
      return { name, bytes: blocks * 512, mtimeMs };
    })
    .sort((a, b) => a.mtimeMs - b.mtimeMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const { name, bytes } of files) {
    if (total <= DIRECTORY_LIMIT) return;
    if (name === kept) continue;
    rmSync(join(directory, name), { force: true }); // a mount that has it open goes on reading it
    total -= bytes;
  }
}
