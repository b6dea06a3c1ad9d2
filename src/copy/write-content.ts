// Writes the bytes of a file of an image to a new file. Holes stay holes.
import { closeSync, constants } from 'node:fs';
import * as sys from '../sys/upper-calls.ts';
import type { FileContent } from '../inspect/inspect.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { showPath } from '../vfs/show-text.ts';
import { check } from './copy-attributes.ts';

export interface WriteContentOptions {
  /** For messages; bytes as latin1. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  readonly onWritten: ((bytes: number) => void) | undefined;
  /** True: other programs may change the file meanwhile. */
  readonly isLive: boolean;
}

/** Up to here a write on this thread takes less time than the way to another one. */
const SHORT = 1 << 16;

/**
 * Makes the file `name` in `directory`, with the `size` bytes of `inode`. Returns a problem for people if a file that
 * `isLive` could not be read. Throws ErrnoError if a system call fails, InputError if the image was changed. After any
 * failure the caller removes the file.
 */
export async function writeContent(
  content: FileContent,
  inode: number,
  size: number,
  directory: number,
  name: Uint8Array,
  { path, signal, onWritten, isLive }: WriteContentOptions,
): Promise<string | undefined> {
  const file = check(sys.createAt(directory, name, constants.O_WRONLY, 0o600, 0), 'open', path);
  try {
    const pieces = content.pieces(inode);
    if (pieces !== undefined) check(sys.truncateFile(file, size), 'truncate', path);
    for (const [offset, length] of pieces ?? [[0, size] as const]) {
      let end = offset;
      for await (const bytes of content.readRange(inode, offset, offset + length)) {
        signal?.throwIfAborted();
        await writeAll(file, bytes, end, path);
        end += bytes.length;
        onWritten?.(bytes.length);
      }
    }
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.syscall !== 'read') throw error;
    if (isLive) return `changed while it was read (${error.code})`;
    throw new InputError(`${showPath(path)}: the image was changed while it was read (${error.code})`, {
      code: 'ERR_STRATAFS_CHANGED',
      cause: error,
    });
  } finally {
    closeSync(file);
  }
  return undefined;
}

async function writeAll(file: number, bytes: Uint8Array, position: number, path: string): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    const write = rest.length <= SHORT ? sys.writeFile : sys.writeLater;
    done += check(await write(file, rest, position + done), 'write', path);
  }
}
