// An image archive that is compressed as a whole (`docker save | gzip`) is unpacked once, into the cache directory,
// since blobs inside it can't be read in place. The next mount of the same file uses what is there.
//
// plain/<key>-<size>.tar, beside the plain bytes of layers, and dropped with them, the oldest first: the key is of what
// identifies the compressed file, the size makes a file that was cut short by a crash another one.
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
import { printable } from './json-view.ts';
import { looksLikeImage } from './tar-archive.ts';

export interface UnpackingOptions {
  /** undefined: nothing can be unpacked. */
  readonly diskCache?: CacheDirectory | undefined;
  /** False: InputError for what is not unpacked already. */
  readonly mayUnpack?: boolean | undefined;
  /** Told once, before anything takes long: a line for people. */
  readonly notice?: ((text: string) => void) | undefined;
  /** Stored bytes done, of how many. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const UNPACK_COMMANDS: Readonly<Record<CompressedTar['compression'], string>> = {
  gzip: 'gzip -dk',
  zstd: 'zstd -d',
  xz: 'xz -dk',
  bzip2: 'bzip2 -dk',
};

/** Members after which a compressed tar that shows nothing of an image archive is taken for a layer. */
const SNIFF_LIMIT = 8;
/** Of the cache directory. */
const FOLDER = 'plain';

/**
 * The plain tar (absolute path) of the compressed archive `path`. With `isSniffed`, undefined if its first members
 * look like no image archive, hence it is a layer. Throws InputError for anything but a tar, or has no place to go.
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
    const known = cache === undefined ? undefined : await findUnpacked(cache, key);
    if (known !== undefined) return known;
    if (options.mayUnpack === false) {
      throw new InputError(`${printable(path)}: is compressed as a whole, and not unpacked yet`);
    }
    const { size: length } = await file.stat();
    const tar = { fd: file.fd, length, compression, label: printable(path) };
    if (isSniffed && !(await beginsLikeImage(tar))) return undefined;
    if (cache === undefined) {
      throw new InputError(
        `${tar.label}: is compressed as a whole, and there is no cache directory to unpack it to; ` +
          `set XDG_CACHE_HOME to a directory of yours, or unpack it first: \`${UNPACK_COMMANDS[compression]} ${tar.label}\``,
      );
    }
    const directory = makeFolder(cache);
    options.notice?.(`${tar.label}: is compressed as a whole: unpacking it once, to ${printable(directory)}`);
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

/** Hex of what changes when the file does. */
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
      // Its times stay as they are: they say that the layers in it were verified (BlobIdentity).
      if (sizeOfSaved(path) === Number(size)) return path;
    }
  } catch (error) {
    cache.report(error);
  }
  return undefined;
}

/** Nobody else can put another file there: the path may be opened again. */
function sizeOfSaved(path: string): number {
  const fd = openSavedFile(path);
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** Unpacks to a draft, which is renamed once it is whole. */
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
