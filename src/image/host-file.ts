// A file or directory that the user names: what it is, and by which magic it begins.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { detectCompression, MAGIC_LENGTH } from '../layer/compression.ts';
import type { Compression } from '../layer/layer.ts';
import { printable } from './json-view.ts';

export type HostFile =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly size: number; readonly compression: Compression };

/**
 * Looks at `path`. Throws InputError where it can't be opened, is empty, is neither a regular file nor a directory, or
 * is compressed by something other than gzip and zstd.
 */
export async function inspectHostFile(path: string): Promise<HostFile> {
  const shown = printable(path);
  try {
    // O_NONBLOCK: opening a fifo must not wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (stats.isDirectory()) return { kind: 'directory' };
      if (!stats.isFile())
        throw new InputError(`${shown}: found no regular file, expected a tar or a directory`);
      if (stats.size === 0) throw new InputError(`${shown}: found an empty file, expected a tar`);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC_LENGTH), 0, MAGIC_LENGTH, 0);
      return {
        kind: 'file',
        size: stats.size,
        compression: detectCompression(buffer.subarray(0, bytesRead), shown),
      };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw withPath(error, path);
  }
}

/** An InputError for a failed system call on a path that the user gave; anything else as it is. */
export function withPath(error: unknown, path: string): unknown {
  const { errno, code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof InputError || errno === undefined || syscall === undefined) return error;
  return new InputError(`${printable(path)}: can't ${syscall}: ${code ?? errnoName(errno)}`, {
    cause: error,
  });
}
