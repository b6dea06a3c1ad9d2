// Files of the cache directory. Each appears atomically, by rename; a missing one is not an error.
//
// Nothing is synced: every format has a checksum that detects a file torn by a crash. A file is used only if no other
// user can have written it. Opening one never waits, even for a FIFO, and never follows a symlink.
import { type Stats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { whyNotOwn } from '../sys/trusted-path.ts';
import { InputError } from '../vfs/input-error.ts';
import { draftName } from '../sys/drafts.ts';

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A part of the cache directory that another user may have put there. */
export class UntrustedError extends InputError {}

/** Writes `pieces`, one after the other, to a draft beside `path`, and renames it. Throws Node's errors. */
export function saveFile(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  return saveFileWith(path, async (file) => {
    for (const piece of pieces) await file.writeFile(piece);
  });
}

/**
 * Makes a draft beside `path`, which `write` fills, and renames it. If `write` throws, the draft is removed. Throws
 * what `write` throws, and Node's errors.
 */
export async function saveFileWith(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const draft = draftName(path);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await write(file);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * A saved file, open for reading and owned by the caller. Throws UntrustedError for a file of another user, Node's
 * errors.
 */
export function openSavedFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, READ_FLAGS);
  } catch (error) {
    throw asUntrusted(path, error);
  }
  try {
    requireOwnFile(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** ELOOP: a symlink. ENXIO: a socket. */
function asUntrusted(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ELOOP' || code === 'ENXIO' ? noFile(path) : error;
}

function noFile(path: string): UntrustedError {
  return new UntrustedError(`${path} is not a regular file`);
}

function requireOwnFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw noFile(path);
  const reason = whyNotOwn(path, stats);
  if (reason !== undefined) throw new UntrustedError(reason);
}

/** A saved file that is open for reading. */
export interface SavedFile {
  /** Bytes. */
  readonly size: number;
  /** `length` bytes at `offset`, in a new buffer; undefined if the file ends before that. Throws Node's errors. */
  read(offset: number, length: number): Promise<ArrayBuffer | undefined>;
}

/**
 * Calls `use` with the open file, closes the file and returns the result; undefined if there is no file. Reading
 * happens on a pool thread, because an index may be large and the disk slow. Throws UntrustedError for a file of
 * another user, Node's errors.
 */
export async function withSavedFile<T>(
  path: string,
  use: (file: SavedFile) => Promise<T | undefined>,
): Promise<T | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, READ_FLAGS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asUntrusted(path, error);
  }
  try {
    const stats = await file.stat();
    requireOwnFile(path, stats);
    const { size } = stats;
    return await use({
      size,
      read: async (offset, length) => (offset + length > size ? undefined : readAt(file, offset, length)),
    });
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<ArrayBuffer | undefined> {
  const buffer = new ArrayBuffer(length);
  const bytes = new Uint8Array(buffer);
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return buffer;
}
