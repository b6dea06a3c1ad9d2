// Unpacks an image archive that is compressed as a whole (`docker save | gzip`) into the cache directory, once, because
// its blobs can't be read in place. The next mount of the same file uses the unpacked copy.
//
// The copy is plain/<key>-<size>.tar, among the uncompressed bytes of layers; the oldest of these files are deleted
// first. The key identifies the compressed file. The size makes a copy that a crash cut short invalid.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { PlainSpill } from '../layer/plain-spill.ts';
import { openSavedFile } from '../layer/saved-file.ts';
import { type CompressedTar, unpackTar, visitFirstNames } from '../layer/unpack.ts';
import { withPath } from './host-file.ts';
import { showText } from '../vfs/show-text.ts';
import { looksLikeImage } from './tar-archive.ts';

export interface UnpackingOptions {
  /** Undefined: nothing can be unpacked. */
  readonly diskCache?: CacheDirectory | undefined;
  /** False: InputError for an archive that has not been unpacked before. */
  readonly mayUnpack?: boolean | undefined;
  /** Gets one line for people, once, before a long operation starts. */
  readonly notice?: ((text: string) => void) | undefined;
  /** Gets the stored bytes done, and the total. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
  /** Gets the bytes that were copied from a pipe so far. */
  readonly pipeProgress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const UNPACK_COMMANDS: Readonly<Record<CompressedTar['compression'], string>> = {
  gzip: 'gzip -dk',
  zstd: 'zstd -d',
  xz: 'xz -dk',
  bzip2: 'bzip2 -dk',
};

/** If no name among so many first members fits an image archive, the compressed tar is a layer. */
const SNIFF_LIMIT = 8;
/** In the cache directory. */
const FOLDER = 'plain';

/**
 * The plain tar (absolute path) of the compressed archive `path`. With `isSniffed`, undefined if its first members
 * don't look like an image archive, so that it is a layer. Throws InputError for anything but a tar, and if there is no
 * place to unpack it.
 */
export async function unpackArchive(
  path: string,
  compression: CompressedTar['compression'],
  isSniffed: boolean,
  options: UnpackingOptions,
): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const key = await keyOf(file);
    const { diskCache: cache } = options;
    const unpacked = cache === undefined ? undefined : await findUnpacked(cache, key);
    if (unpacked !== undefined) return unpacked;
    if (options.mayUnpack === false) {
      throw new InputError(`${showText(path)}: is compressed as a whole, and not unpacked yet`);
    }
    const { size: length } = await file.stat();
    const tar = { fd: file.fd, length, compression, label: showText(path) };
    if (isSniffed && !(await beginsLikeImage(tar))) return undefined;
    if (cache === undefined) {
      throw new InputError(
        `${tar.label}: is compressed as a whole, and there is no cache directory to unpack it to; ` +
          `set XDG_CACHE_HOME to a directory of yours, or unpack it first: \`${UNPACK_COMMANDS[compression]} ${tar.label}\``,
      );
    }
    const directory = makeFolder(cache);
    options.notice?.(`${tar.label}: is compressed as a whole: unpacking it once, to ${showText(directory)}`);
    return await unpackInto(directory, key, file, tar, options);
  } finally {
    await file.close();
  }
}

async function beginsLikeImage(tar: CompressedTar): Promise<boolean> {
  let count = 0;
  let isImage = false;
  await visitFirstNames(tar, (name) => {
    isImage = looksLikeImage(name);
    return !isImage && ++count < SNIFF_LIMIT;
  });
  return isImage;
}

/** Hex digits that change when the file changes. */
async function keyOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return createHash('sha256')
    .update(`unpacked ${[dev, ino, size, mtimeNs, ctimeNs].join(' ')}`)
    .digest('hex');
}

async function findUnpacked(cache: CacheDirectory, key: string): Promise<string | undefined> {
  try {
    const directory = cache.findFolder(FOLDER);
    if (directory === undefined) return undefined;
    for (const name of await readdir(directory)) {
      const [, size] = new RegExp(`^${key}-(\\d+)\\.tar$`).exec(name) ?? [];
      if (size === undefined) continue;
      const path = join(directory, name);
      // Its times must not change: they record that the layers in it were verified (BlobIdentity).
      if (sizeOfSaved(path) === Number(size)) return path;
    }
  } catch (error) {
    cache.report(error);
  }
  return undefined;
}

/** No other user can put another file there, so the path may be opened again. */
function sizeOfSaved(path: string): number {
  const fd = openSavedFile(path);
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** Unpacks to a draft, which is renamed when it is complete. */
async function unpackInto(
  directory: string,
  key: string,
  file: FileHandle,
  tar: CompressedTar,
  { progress, signal }: UnpackingOptions,
): Promise<string> {
  const spill = openSpill(directory);
  let isKept = false;
  try {
    const size = await unpackTar(tar, {
      out: spill.fd,
      limit: spill.limit,
      signal,
      progress: (done) => progress?.(done, tar.length),
    });
    if ((await keyOf(file)) !== key) {
      throw new InputError(`${tar.label}: was changed while it was unpacked; try again`, {
        code: 'ERR_STRATAFS_CHANGED',
      });
    }
    const name = `${key}-${size}`;
    closeSync(spill.keep(name));
    isKept = true;
    return join(directory, `${name}.tar`);
  } finally {
    if (!isKept) spill.discard();
  }
}

function makeFolder(cache: CacheDirectory): string {
  try {
    return cache.makeFolder(FOLDER);
  } catch (error) {
    throw withPath(error, join(cache.path, FOLDER));
  }
}

function openSpill(directory: string): PlainSpill {
  try {
    return PlainSpill.create(directory);
  } catch (error) {
    throw withPath(error, directory);
  }
}
