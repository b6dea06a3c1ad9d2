// A file or directory that the user names: what it is, and by which magic it begins.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { printable } from './json-view.ts';

export type HostFile =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly size: number; readonly format: FileFormat };

/** By magic; 'other' may be a plain tar, which has its magic at byte 257 or none. */
export type FileFormat = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'lz4' | 'other';

const MAGICS: readonly (readonly [FileFormat, string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
  ['lz4', '04224d18'],
];

/** Decompressors for what is not read in place. */
const DECOMPRESSORS = new Map<FileFormat, string>([
  ['xz', 'xz -dc'],
  ['bzip2', 'bzip2 -dc'],
  ['lz4', 'lz4 -dc'],
]);

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
      const start = Buffer.alloc(6);
      await file.read(start, 0, start.length, 0);
      const format = formatOf(start);
      const command = DECOMPRESSORS.get(format);
      if (command !== undefined) {
        throw new InputError(
          `${shown}: is compressed by ${format}, expected gzip, zstd or none; decompress it first: ` +
            `\`${command} ${shown} >FILE.tar\``,
        );
      }
      return { kind: 'file', size: stats.size, format };
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

function formatOf(start: Buffer): FileFormat {
  const hex = start.toString('hex');
  return MAGICS.find(([, magic]) => hex.startsWith(magic))?.[0] ?? 'other';
}
