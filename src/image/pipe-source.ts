// A source that is a pipe (`docker save app | stratafs mount - mnt`, a FIFO, a process substitution). Its bytes are
// needed in random order, so they are first written to a file, which then is the source.
//
// The file is plain/<sha256 of the bytes>-<size>.tar in the cache directory, and is deleted like the other files there.
// Without a cache directory it is an unnamed file, which this process keeps open until it ends.
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { PlainSpill } from '../layer/plain-spill.ts';
import { InputError } from '../vfs/input-error.ts';
import { withPath } from './host-file.ts';
import { showText } from '../vfs/show-text.ts';
import type { Source } from './source.ts';
import type { UnpackingOptions } from './unpacked-archive.ts';

/** `source` itself; if it is a pipe, the file with its bytes. Throws the signal's reason when aborted. */
export async function spoolPipe(source: Source, options: UnpackingOptions): Promise<Source> {
  const stats = await stat(source.path).catch(() => undefined); // opening it says what is wrong
  if (stats?.isFIFO() !== true) return source;
  const shown = showText(source.path);
  if (options.mayUnpack === false) throw new InputError(`${shown}: is a pipe, which is not read for this`);
  const directory = options.diskCache === undefined ? undefined : options.diskCache.makeFolder('plain');
  options.notice?.(`${shown}: is a pipe: reading it into ${directory ?? 'a temporary file'}`);
  const spill = PlainSpill.create(directory);
  let isKept = false;
  try {
    const { sha256, size } = await copyPipe(source.path, spill, options);
    if (size === 0) throw new InputError(`${shown}: found no bytes in the pipe, expected an image`);
    const name = `${sha256}-${size}`;
    isKept = true;
    if (directory === undefined) return { ...source, path: `/proc/self/fd/${spill.fd}`, isCopy: true };
    closeSync(spill.keep(name));
    return { ...source, path: join(directory, `${name}.tar`), isCopy: true };
  } finally {
    if (!isKept) spill.discard();
  }
}

/** Reads to the end on the event loop, without a pool thread, so that a signal ends it immediately. */
async function copyPipe(
  path: string,
  spill: PlainSpill,
  { signal, pipeProgress }: UnpackingOptions,
): Promise<{ sha256: string; size: number }> {
  signal?.throwIfAborted();
  const pipe = openPipe(path);
  const stop = (): void => void pipe.destroy();
  signal?.addEventListener('abort', stop);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const bytes of pipe as AsyncIterable<Buffer>) {
      if (size + bytes.length > spill.limit) {
        throw new InputError(
          `${showText(path)}: found more than ${spill.limit} bytes, which is all that the disk has to spare`,
        );
      }
      for (let done = 0; done < bytes.length;) {
        done += writeSync(spill.fd, bytes, done, bytes.length - done, size + done);
      }
      hash.update(bytes);
      size += bytes.length;
      pipeProgress?.(size);
    }
    signal?.throwIfAborted();
    return { sha256: hash.digest('hex'), size };
  } catch (error) {
    signal?.throwIfAborted();
    throw withPath(error, path);
  } finally {
    signal?.removeEventListener('abort', stop);
    pipe.destroy();
  }
}

/** O_NONBLOCK: the event loop waits for the writer of a FIFO. */
function openPipe(path: string): Socket {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    throw withPath(error, path) as Error;
  }
}
