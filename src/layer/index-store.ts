// IndexStore: what earlier mounts learnt about blobs, in the user's cache directory.
//
//   indexes/<sha256 of the blob>.idx   the LayerIndex, digests and spans (src/layer/index-file.ts)
//   plain/<sha256 of the blob>.tar     uncompressed bytes that can't be read in place (one huge zstd frame)
//   plain/<key>-<size>.tar             an unpacked image archive that was compressed as a whole (src/image/unpacked-archive.ts)
//   verified/<key>                     the digest that was computed for the bytes at one place of one file
//   trees/<key>.tree                   merged layers (src/tree/tree-store.ts)
//   trees/<key>.erofs                  the same for the kernel's EROFS driver (src/erofs/image-store.ts)
//
// Files appear atomically, by rename, and can be deleted at any time. If the directory can't be written or trusted
// (cache-directory.ts), nothing is saved, and that is not an error.
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CacheDirectory } from './cache-directory.ts';
import { draftName, removeStaleDrafts } from '../sys/drafts.ts';
import { noteUse } from './drop-oldest.ts';
import {
  type IndexedBlob,
  type IndexedLayer,
  loadIndexFile,
  loadIndexedBlob,
  saveIndexFile,
} from './index-file.ts';
import { openSavedFile } from './saved-file.ts';

/** Identifies the bytes of a blob without reading them. Another file, or a changed one, has another identity. */
export interface BlobIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly fileSize: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** The blob's place in the file, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** The identity of bytes `offset` to `offset + length` of the file with these `stats`. */
export function identityOf(stats: BigIntStats, offset: number, length: number): BlobIdentity {
  return {
    device: stats.dev,
    inode: stats.ino,
    fileSize: stats.size,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    offset,
    length,
  };
}

const SHA256 = /^[0-9a-f]{64}$/;
const SHA256_DIGITS = 64;

export class IndexStore {
  readonly #cache: CacheDirectory;

  constructor(cache: CacheDirectory) {
    this.#cache = cache;
  }

  /** Absolute. */
  get directory(): string {
    return this.#cache.path;
  }

  /** The saved index of the blob with this digest; undefined if there is none, or if it can't be used. */
  loadIndex(sha256: string): Promise<IndexedLayer | undefined> {
    return this.#load(sha256, loadIndexFile);
  }

  /** As `loadIndex`, but without the columns of the index. */
  loadBlob(sha256: string): Promise<IndexedBlob | undefined> {
    return this.#load(sha256, loadIndexedBlob);
  }

  async saveIndex(sha256: string, layer: IndexedLayer): Promise<void> {
    try {
      const folder = this.#cache.makeFolder('indexes');
      removeStaleDrafts(folder);
      await saveIndexFile(join(folder, `${sha256}.idx`), layer);
    } catch (error) {
      this.#cache.report(error);
    }
  }

  /** The sha256 that the bytes at `identity` had when they were last read completely. */
  verifiedDigest(identity: BlobIdentity): string | undefined {
    try {
      const folder = this.#cache.findFolder('verified');
      const digest = folder === undefined ? '' : readDigest(join(folder, keyOfIdentity(identity)));
      return SHA256.test(digest) ? digest : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#cache.report(error);
      return undefined;
    }
  }

  setVerifiedDigest(identity: BlobIdentity, sha256: string): void {
    let draft: string | undefined;
    try {
      const path = join(this.#cache.makeFolder('verified'), keyOfIdentity(identity));
      draft = draftName(path);
      writeFileSync(draft, sha256, { flag: 'wx', mode: 0o600 });
      renameSync(draft, path);
    } catch (error) {
      this.#cache.report(error);
      if (draft !== undefined && existsSync(draft)) rmSync(draft);
    }
  }

  /**
   * The saved uncompressed bytes of a blob, open for reading and owned by the caller; undefined if there are none, or
   * if they are not `size` bytes.
   */
  openPlain(sha256: string, size: number): number | undefined {
    let fd: number | undefined;
    try {
      const folder = this.#cache.findFolder('plain');
      if (folder === undefined) return undefined;
      const path = join(folder, `${sha256}.tar`);
      fd = openSavedFile(path);
      if (fstatSync(fd).size === size) {
        noteUse(path);
        return fd;
      }
    } catch (error) {
      this.#cache.report(error);
    }
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }

  /** The directory of uncompressed bytes, made if it is missing; undefined if it can't be written. */
  plainDirectory(): string | undefined {
    try {
      const directory = this.#cache.makeFolder('plain');
      accessSync(directory, constants.W_OK);
      return directory;
    } catch (error) {
      this.#cache.report(error);
      return undefined;
    }
  }

  async #load<T extends IndexedBlob>(
    sha256: string,
    load: (path: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    try {
      const folder = this.#cache.findFolder('indexes');
      const loaded = folder === undefined ? undefined : await load(join(folder, `${sha256}.idx`));
      return loaded?.blobSha256 === sha256 ? loaded : undefined;
    } catch (error) {
      this.#cache.report(error);
      return undefined;
    }
  }
}

function readDigest(path: string): string {
  const fd = openSavedFile(path);
  try {
    // One byte more detects a file that is too long.
    const bytes = Buffer.alloc(SHA256_DIGITS + 1);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Names the bytes in file names and maps. */
export function keyOfIdentity(identity: BlobIdentity): string {
  const { device, inode, fileSize, mtimeNs, ctimeNs, offset, length } = identity;
  const text = [device, inode, fileSize, mtimeNs, ctimeNs, offset, length].join(' ');
  return createHash('sha256').update(text).digest('hex');
}
