// Blobs of registries in the cache directory.
//
//   blobs/<sha256>.blob   a whole blob; its bytes had this digest when they came
//   blobs/<sha256>.part   the chunks of one that have come: the next download goes on there (src/blobs)
//   origins/<sha256>      the repositories that have it, one a line, for pushes
//
// Without a cache directory, blobs are unnamed files, which end with the cache. A whole blob's times are never changed: an
// index of it is found by them.
import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobKey } from '../blobs/chunk-map.ts';
import { removeUnlocked } from '../blobs/part-file.ts';
import { PartialBlob, type PartialBlobOptions } from '../blobs/partial-blob.ts';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { roomIn } from '../layer/disk-room.ts';
import { dropOldest } from '../layer/drop-oldest.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { saveFile } from '../layer/saved-file.ts';
import type { RemoteBlob } from '../registry/blob-ranges.ts';
import { draftName, removeStaleDrafts } from '../sys/drafts.ts';
import { InputError } from '../vfs/input-error.ts';

/** 20 GiB. */
const FOLDER_LIMIT = 20 * 2 ** 30;
/** Downloads of one blob, if the bytes that come don't have its digest. */
const MAX_ROUNDS = 3;
const MAX_ORIGINS = 16;

export interface FetchWatch {
  readonly signal?: AbortSignal | undefined;
  /** Gets the number of bytes that are here. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

interface UnnamedFile {
  readonly fd: number;
  isWhole: boolean;
}

export class BlobCache {
  readonly #cache: CacheDirectory | undefined;
  /** Undefined if nothing can be saved. */
  readonly #folder: string | undefined;
  /** The names of the files in the folder that this process uses: they are not deleted to make room. */
  readonly #used = new Set<string>();
  /** Without a folder, by digest. */
  readonly #unnamed = new Map<string, UnnamedFile>();
  readonly #limit: number;

  /** @param limit of the folder, in bytes on disk; files in use stay even if they exceed it */
  constructor(cache: CacheDirectory | undefined, limit = FOLDER_LIMIT) {
    this.#cache = cache;
    this.#limit = limit;
    this.#folder = folderOf(cache);
  }

  /** The place of a blob, whether it is here or not. */
  placeOf(digest: string, size: number): BlobLocation {
    const place = { offset: 0, length: size, isCopy: true };
    if (this.#folder !== undefined) {
      this.#used.add(`${hexOf(digest)}.blob`);
      return { ...place, path: join(this.#folder, `${hexOf(digest)}.blob`) };
    }
    const { fd } = this.#unnamedFile(digest);
    const { dev, ino } = fstatSync(fd);
    return { ...place, path: `/proc/self/fd/${fd}`, found: { dev, ino } };
  }

  isHere(digest: string, size: number): boolean {
    if (this.#folder === undefined) return this.#unnamed.get(digest)?.isWhole === true;
    const stats = statSync(join(this.#folder, `${hexOf(digest)}.blob`), { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === size;
  }

  /** Removes bytes that don't have their digest. */
  discard(digest: string): void {
    const unnamed = this.#unnamed.get(digest);
    if (unnamed !== undefined) unnamed.isWhole = false;
    else if (this.#folder !== undefined) rmSync(join(this.#folder, `${hexOf(digest)}.blob`), { force: true });
  }

  /** Saves a document that was verified. */
  async save(digest: string, bytes: Uint8Array): Promise<BlobLocation> {
    const place = this.placeOf(digest, bytes.length);
    // A crash may have torn a file that was not synced.
    if (this.isHere(digest, bytes.length) && (await readFile(place.path)).equals(bytes)) return place;
    if (this.#folder !== undefined) await saveFile(place.path, [bytes]);
    else {
      const file = await open(place.path, 'r+');
      await file.writeFile(bytes).finally(() => file.close());
      this.#markWhole(digest);
    }
    return place;
  }

  /**
   * Brings the blob here, verified, if it is not: only what an earlier fetch has not brought. Rejects with an InputError
   * if no server has its bytes, or the disk is full; with the reason of the signal when aborted, and what came stays.
   * `shown`: the image, for messages.
   */
  async fetch(blob: RemoteBlob, shown: string, { signal, onProgress }: FetchWatch = {}): Promise<void> {
    const { digest, size } = blob;
    for (let round = 1; !this.isHere(digest, size); round++) {
      const { turn } = blob;
      const partial = this.#openPartial(blob, blob, { onArrival: onProgress });
      const isNew = partial.arrivedBytes === 0;
      onProgress?.(partial.arrivedBytes);
      try {
        await complete(partial, signal);
        if (this.#folder === undefined) this.#markWhole(digest);
        break;
      } catch (error) {
        if (!(error instanceof InputError) || error.code !== 'ERR_STRATAFS_DIGEST') throw error;
        // What an earlier run left may be at fault: a crash loses writes.
        if (isNew) blob.distrust(turn);
        if (round >= MAX_ROUNDS) {
          throw new InputError(`${shown}: ${error.message}: the registry or a proxy is damaged`, {
            code: error.code,
          });
        }
      } finally {
        await partial.close();
      }
    }
    if (this.#folder === undefined) return;
    this.#used.add(`${hexOf(digest)}.blob`);
    const isUsed = (name: string): boolean => this.#used.has(name);
    dropOldest(this.#folder, ['.blob', '.part'], this.#limit, isUsed, removeBlob);
  }

  /** True if there is a folder, which parts of blobs can stay in. */
  get keepsParts(): boolean {
    return this.#folder !== undefined;
  }

  /**
   * The bytes of a blob as they come, verified by the digests of its chunks, or, without those, by its readers; the caller
   * adds sources, and closes it. Throws InputError if the disk has no room for the whole blob.
   */
  openPart(key: BlobKey, chunkSha256: Uint8Array | undefined): PartialBlob {
    this.#used.add(`${hexOf(key.digest)}.blob`);
    const isVerifiedByReaders = chunkSha256 === undefined;
    return this.#openPartial(key, undefined, { chunkSha256, isVerifiedByReaders });
  }

  /** Ends the unnamed files. Places that were given are not valid any more, unless there is a folder. */
  close(): void {
    for (const { fd } of this.#unnamed.values()) closeSync(fd);
    this.#unnamed.clear();
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

  #openPartial(key: BlobKey, source: RemoteBlob | undefined, options: PartialBlobOptions): PartialBlob {
    if (this.#folder === undefined) {
      const { fd } = this.#unnamedFile(key.digest);
      requireRoom(tmpdir(), key, fstatSync(fd).blocks, 'TMPDIR');
      return PartialBlob.openUnnamed(fd, key, source, options);
    }
    removeStaleDrafts(this.#folder);
    const part = statSync(join(this.#folder, `${hexOf(key.digest)}.part`), { throwIfNoEntry: false });
    requireRoom(this.#folder, key, part?.blocks ?? 0, 'XDG_CACHE_HOME');
    return PartialBlob.open(this.#folder, key, source, options);
  }

  #markWhole(digest: string): void {
    const unnamed = this.#unnamed.get(digest);
    if (unnamed !== undefined) unnamed.isWhole = true;
  }

  #unnamedFile(digest: string): UnnamedFile {
    let unnamed = this.#unnamed.get(digest);
    if (unnamed === undefined) {
      const path = draftName(join(tmpdir(), 'stratafs'));
      unnamed = { fd: openSync(path, 'wx+', 0o600), isWhole: false };
      rmSync(path, { force: true });
      this.#unnamed.set(digest, unnamed);
    }
    return unnamed;
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

/** `blocks`: of 512 bytes, which are here already. `variable`: of the environment, names another directory. */
function requireRoom(folder: string, { size, digest }: BlobKey, blocks: number, variable: string): void {
  const room = roomIn(folder);
  const missing = size - Math.min(size, blocks * 512);
  if (missing <= room) return;
  throw new InputError(
    `${folder}: has room for ${room} bytes, and the blob ${digest} needs ${missing}; ${variable} names another directory`,
  );
}

function removeBlob(path: string): boolean {
  if (path.endsWith('.part')) return removeUnlocked(path);
  rmSync(path, { force: true }); // a mount that has it open can still read it
  return true;
}

/** Rejects with the reason of the signal when aborted. */
async function complete(partial: PartialBlob, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const stop = (): void => void partial.close();
  signal?.addEventListener('abort', stop);
  try {
    await partial.complete();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
