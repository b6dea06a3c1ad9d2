// IndexStore: what is known of blobs from earlier mounts, in the user's cache directory.
//
//   indexes/<sha256 of the blob>.idx   the LayerIndex, digests and spans (src/layer/index-file.ts)
//   plain/<sha256 of the blob>.tar     uncompressed bytes that can't be read in place (one huge zstd frame)
//   plain/<key>-<size>.tar             an image archive that came compressed as a whole (src/image/unpacked-archive.ts)
//   verified/<key>                     the digest that the bytes of one place in one file were found to have
//   trees/<key>.tree                   merged layers (src/tree/tree-store.ts)
//
// Every file appears whole, by rename. All of it may be deleted at any time. Where the directory can't be written,
// nothing is kept and nothing fails.
import createDebug from 'debug';
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  accessSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { draftName, removeStaleDrafts } from './drafts.ts';
import { noteUse } from './drop-oldest.ts';
import {
  type IndexedBlob,
  type IndexedLayer,
  loadIndexFile,
  loadIndexedBlob,
  saveIndexFile,
} from './index-file.ts';
import { makeDirectory } from './make-directory.ts';

const debug = createDebug('stratafs:store');

/** What names the bytes of a blob without reading them. Another file, or a changed one, has another identity. */
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

/** The identity of bytes `offset` to `offset + length` of the file that `stats` are of. */
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

export class IndexStore {
  readonly directory: string;

  /** @param directory absolute; made when something is first kept in it */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** What is saved of the blob with this digest; undefined where nothing is, or nothing that can be used. */
  loadIndex(sha256: string): Promise<IndexedLayer | undefined> {
    return this.#load(sha256, loadIndexFile);
  }

  /** As `loadIndex`, without the index. */
  loadBlob(sha256: string): Promise<IndexedBlob | undefined> {
    return this.#load(sha256, loadIndexedBlob);
  }

  async saveIndex(sha256: string, layer: IndexedLayer): Promise<void> {
    const path = this.#path('indexes', `${sha256}.idx`);
    try {
      makeDirectory(dirname(path));
      removeStaleDrafts(dirname(path));
      await saveIndexFile(path, layer);
    } catch (error) {
      debug('%s is not kept: %O', path, error);
    }
  }

  /** The sha256 that the bytes at `identity` were found to have when they were last read whole. */
  verifiedDigest(identity: BlobIdentity): string | undefined {
    const path = this.#path('verified', keyOf(identity));
    try {
      const digest = readFileSync(path, 'latin1');
      return SHA256.test(digest) ? digest : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') debug('%s: %O', path, error);
      return undefined;
    }
  }

  setVerifiedDigest(identity: BlobIdentity, sha256: string): void {
    const path = this.#path('verified', keyOf(identity));
    const draft = draftName(path);
    try {
      makeDirectory(dirname(path));
      writeFileSync(draft, sha256, { flag: 'wx', mode: 0o600 });
      renameSync(draft, path);
    } catch (error) {
      debug('%s is not kept: %O', path, error);
      if (existsSync(draft)) rmSync(draft);
    }
  }

  /**
   * The kept plain bytes of a blob, open for reading and owned by the caller; undefined where there are none, or they
   * are not `size` bytes.
   */
  openPlain(sha256: string, size: number): number | undefined {
    const path = this.#path('plain', `${sha256}.tar`);
    try {
      if (statSync(path).size !== size) return undefined;
      noteUse(path);
      return openSync(path, 'r');
    } catch (error) {
      debug('%s: %O', path, error);
      return undefined;
    }
  }

  /** The directory of kept plain bytes, made if need be; undefined where it can't be written. */
  plainDirectory(): string | undefined {
    const directory = join(this.directory, 'plain');
    try {
      makeDirectory(directory);
      accessSync(directory, constants.W_OK);
      return directory;
    } catch (error) {
      debug('%s: %O', directory, error);
      return undefined;
    }
  }

  async #load<T extends IndexedBlob>(
    sha256: string,
    load: (path: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const path = this.#path('indexes', `${sha256}.idx`);
    try {
      const loaded = await load(path);
      return loaded?.blobSha256 === sha256 ? loaded : undefined;
    } catch (error) {
      debug('%s: %O', path, error);
      return undefined;
    }
  }

  #path(folder: string, name: string): string {
    return join(this.directory, folder, name);
  }
}

function keyOf(identity: BlobIdentity): string {
  const { device, inode, fileSize, mtimeNs, ctimeNs, offset, length } = identity;
  const text = [device, inode, fileSize, mtimeNs, ctimeNs, offset, length].join(' ');
  return createHash('sha256').update(text).digest('hex');
}
