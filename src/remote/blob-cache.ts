// Blobs of registries in the cache directory.
//
//   blobs/<sha256>.blob   a whole blob; its bytes had this digest when they came
//   blobs/<sha256>.part   the beginning of one: the next download goes on there
//   origins/<sha256>      the repositories that have it, one a line, for pushes
//
// Without a cache directory, blobs are unnamed files, which end with the process.
import { createHash, type Hash } from 'node:crypto';
import { constants, openSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { draftName } from '../layer/drafts.ts';
import { dropOldest } from '../layer/drop-oldest.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { saveFile } from '../layer/saved-file.ts';
import type { RemoteBlob } from '../registry/blob-ranges.ts';
import { InputError } from '../vfs/input-error.ts';
import { lockPart } from './part-lock.ts';

/** Limit of the folder, in bytes on disk. */
const FOLDER_LIMIT = 20 * 2 ** 30;
/** The part of the disk that must stay free. */
const RESERVED = 0.05;
/** Downloads of one blob, if the bytes that come don't have its digest. */
const MAX_ROUNDS = 3;
const MAX_ORIGINS = 16;
const PIECE = 1 << 20;

export interface FetchWatch {
  readonly signal?: AbortSignal | undefined;
  /** Gets the number of bytes that are here. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

export class BlobCache {
  readonly #cache: CacheDirectory | undefined;
  /** Undefined if nothing can be saved. */
  readonly #folder: string | undefined;
  /** Without a folder: the descriptors of the unnamed files, and whether they are whole. */
  readonly #unnamed = new Map<string, { readonly fd: number; isWhole: boolean }>();

  constructor(cache: CacheDirectory | undefined) {
    this.#cache = cache;
    this.#folder = folderOf(cache);
  }

  /** The place of a blob, whether it is here or not. */
  placeOf(digest: string, size: number): BlobLocation {
    return { path: this.#pathOf(digest), offset: 0, length: size };
  }

  isHere(digest: string, size: number): boolean {
    if (this.#folder === undefined) return this.#unnamed.get(digest)?.isWhole === true;
    const stats = statSync(this.#pathOf(digest), { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === size;
  }

  /** Removes bytes that don't have their digest. */
  discard(digest: string): void {
    const unnamed = this.#unnamed.get(digest);
    if (unnamed !== undefined) unnamed.isWhole = false;
    else if (this.#folder !== undefined) rmSync(this.#pathOf(digest), { force: true });
  }

  /** Saves a document that was verified. */
  async save(digest: string, bytes: Uint8Array): Promise<BlobLocation> {
    const place = this.placeOf(digest, bytes.length);
    if (this.isHere(digest, bytes.length)) return place;
    if (this.#folder !== undefined) await saveFile(place.path, [bytes]);
    else {
      const file = await open(place.path, 'r+');
      await file.writeFile(bytes).finally(() => file.close());
      this.#markWhole(digest);
    }
    return place;
  }

  /**
   * Brings the blob here, verified, if it is not: from where an earlier download ended. Rejects with an InputError if no
   * server has its bytes, or the disk is full; with the reason of the signal when aborted, and what came stays. `shown`:
   * the image, for messages.
   */
  async fetch(blob: RemoteBlob, shown: string, watch: FetchWatch = {}): Promise<void> {
    const { digest, size } = blob;
    if (this.isHere(digest, size)) return;
    const path = this.#pathOf(digest);
    if (this.#folder === undefined) {
      await download(blob, { path, flags: 'r+', shown }, watch);
      this.#markWhole(digest);
      return;
    }
    const folder = this.#folder;
    const name = hexOf(digest);
    const unlock = lockPart(name);
    // Another process downloads it now: this one does so apart.
    const part = unlock === undefined ? draftName(path) : join(folder, `${name}.part`);
    try {
      await requireRoom(folder, blob, part);
      const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
      const flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
      await download(blob, { path: part, flags, shown }, watch);
      await rename(part, path);
    } finally {
      if (unlock === undefined) await rm(part, { force: true });
      unlock?.();
    }
    dropOldest(folder, ['.blob', '.part'], FOLDER_LIMIT, `${name}.blob`);
  }

  /** The repositories (`host/name`) that had the blob, the latest first. */
  async origins(digest: string): Promise<string[]> {
    const folder = this.#cache?.findFolder('origins');
    if (folder === undefined) return [];
    const text = await readFile(join(folder, hexOf(digest)), 'utf8').catch(() => ''); // ENOENT
    return text
      .split('\n')
      .filter((line) => line !== '')
      .slice(0, MAX_ORIGINS);
  }

  async noteOrigin(digest: string, origin: string): Promise<void> {
    try {
      const origins = await this.origins(digest);
      if (this.#cache === undefined || origins[0] === origin) return;
      const lines = [origin, ...origins.filter((each) => each !== origin)].slice(0, MAX_ORIGINS);
      const path = join(this.#cache.makeFolder('origins'), hexOf(digest));
      await saveFile(path, [Buffer.from(`${lines.join('\n')}\n`)]);
    } catch (error) {
      this.#cache?.report(error); // it only saves the next push from sending bytes
    }
  }

  #markWhole(digest: string): void {
    const unnamed = this.#unnamed.get(digest);
    if (unnamed !== undefined) unnamed.isWhole = true;
  }

  #pathOf(digest: string): string {
    if (this.#folder !== undefined) return join(this.#folder, `${hexOf(digest)}.blob`);
    let unnamed = this.#unnamed.get(digest);
    if (unnamed === undefined) {
      const path = draftName(join(tmpdir(), 'stratafs'));
      unnamed = { fd: openSync(path, 'wx+', 0o600), isWhole: false };
      rmSync(path, { force: true });
      this.#unnamed.set(digest, unnamed);
    }
    return `/proc/self/fd/${unnamed.fd}`;
  }
}

const hexOf = (digest: string): string => digest.slice('sha256:'.length);

function folderOf(cache: CacheDirectory | undefined): string | undefined {
  try {
    return cache?.makeFolder('blobs');
  } catch (error) {
    cache?.report(error);
    return undefined;
  }
}

async function requireRoom(folder: string, { size, digest }: RemoteBlob, part: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const room = Math.max(0, bavail - Math.ceil(blocks * RESERVED)) * bsize;
  const missing = size - (statSync(part, { throwIfNoEntry: false })?.size ?? 0);
  if (missing <= room) return;
  throw new InputError(
    `${folder}: has room for ${room} bytes, and the blob ${digest} needs ${missing}; XDG_CACHE_HOME names another directory`,
  );
}

/** Fills the file at `path` with the blob, verified and on the disk. Bytes that are there already are its beginning. */
async function download(
  blob: RemoteBlob,
  { path, flags, shown }: { readonly path: string; readonly flags: string | number; readonly shown: string },
  { signal, onProgress }: FetchWatch,
): Promise<void> {
  const { digest, size } = blob;
  const file = await open(path, flags, 0o600);
  try {
    for (let round = 1; ; round++) {
      const { hash, length } = await hashPrefix(file, size, signal);
      let position = length;
      onProgress?.(position);
      for await (const piece of blob.read(position, size - position, signal)) {
        for (let done = 0; done < piece.length;) {
          done += (await file.write(piece, done, piece.length - done, position + done)).bytesWritten;
        }
        hash.update(piece);
        position += piece.length;
        onProgress?.(position);
      }
      const found = `sha256:${hash.digest('hex')}`;
      if (found === digest) {
        await file.datasync();
        return;
      }
      await file.truncate(0);
      // What an earlier run left may be at fault: a crash loses writes.
      if (length === 0) blob.distrust();
      if (round >= MAX_ROUNDS) {
        throw new InputError(
          `${shown}: found bytes of ${found}, expected ${digest}: the registry or a proxy is damaged`,
          {
            code: 'ERR_STRATAFS_DIGEST',
          },
        );
      }
    }
  } finally {
    await file.close();
  }
}

/** The hash of what is in the file, which is cut to `size`. */
async function hashPrefix(
  file: FileHandle,
  size: number,
  signal: AbortSignal | undefined,
): Promise<{ hash: Hash; length: number }> {
  const hash = createHash('sha256');
  const stats = await file.stat();
  if (stats.size > size) await file.truncate(0);
  const length = stats.size > size ? 0 : stats.size;
  const buffer = Buffer.alloc(Math.min(PIECE, length));
  for (let at = 0; at < length;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return { hash, length };
}
