// Inspects a file or directory that the user names: its type, and its magic number.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { detectCompression, MAGIC_LENGTH } from '../layer/compression.ts';
import { KIND_LENGTH, otherFile, refuseOtherFiles } from '../layer/file-kind.ts';
import type { Compression } from '../layer/layer.ts';
import { BLOCK_SIZE, isTarHeader } from '../tar/header.ts';
import { showText } from '../vfs/show-text.ts';

export type HostFile =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly size: number; readonly compression: Compression };

/**
 * Throws InputError if `path` can't be opened, is empty, is neither a regular file nor a directory, or is neither a tar
 * nor a tar with a supported compression.
 */
export async function inspectHostFile(path: string): Promise<HostFile> {
  const shown = showText(path);
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (stats.isDirectory()) return { kind: 'directory' };
      if (!stats.isFile())
        throw new InputError(`${shown}: found no regular file, expected a tar or a directory`);
      if (stats.size === 0) throw new InputError(`${shown}: found an empty file, expected a tar`);
      const { size } = stats;
      const head = await readHead(file, BLOCK_SIZE);
      const compression = detectCompression(head.subarray(0, MAGIC_LENGTH), shown);
      if (compression === 'none' && !isTarHeader(head)) await refuseUnlessEmpty(file, size, shown);
      return { kind: 'file', size, compression };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw withPath(error, path);
  }
}

async function refuseUnlessEmpty(file: FileHandle, size: number, shown: string): Promise<void> {
  const head = await readHead(file, KIND_LENGTH);
  if (head[0] !== 0) throw otherFile(shown, head, shown);
  await refuseOtherFiles(shown, size, (offset, length) => readFully(file, offset, length), shown);
}

const readHead = (file: FileHandle, length: number): Promise<Buffer> => readFully(file, 0, length);

/** Fewer bytes if the file ends early. */
async function readFully(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Turns a failed system call on a path from the user into an InputError; returns any other error unchanged. */
export function withPath(error: unknown, path: string): unknown {
  const { errno, code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof InputError || errno === undefined || syscall === undefined) return error;
  return new InputError(`${showText(path)}: can't ${syscall}: ${code ?? errnoName(errno)}`, {
    cause: error,
  });
}
