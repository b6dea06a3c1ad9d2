// Files of the cache directory: each appears whole, by rename, and one that is missing is no error.
//
// None is synced: what a crash tears is told by the checksum that every format has.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { draftName } from './drafts.ts';

/** Writes `pieces`, one behind the other, at once or not at all: beside their place, then renamed. Throws Node's errors. */
export async function saveFile(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const draft = draftName(path);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      for (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** A saved file that is open to be read. */
export interface SavedFile {
  /** Bytes. */
  readonly size: number;
  /** `length` bytes at `offset`, in a buffer of their own; undefined where the file ends before. Throws Node's errors. */
  read(offset: number, length: number): Promise<ArrayBuffer | undefined>;
}

/**
 * What `use` makes of the file, which is closed after it; undefined where there is none. Throws Node's errors. It is read on
 * a pool thread: an index may be large, and the disk slow.
 */
export async function withSavedFile<T>(
  path: string,
  use: (file: SavedFile) => Promise<T | undefined>,
): Promise<T | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
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
