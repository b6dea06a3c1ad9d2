// IndexStore: what is known of blobs from earlier mounts, in the user's cache directory.
//
//   indexes/<sha256 of the blob>.idx   the LayerIndex, digests and spans (src/layer/index-file.ts)
//   plain/<sha256 of the blob>.tar     uncompressed bytes that can't be read in place (one huge zstd frame)
//   verified/<key>                     the digest that the bytes of one place in one file were found to have
//
// Every file appears whole, by rename. All of it may be deleted at any time. Where the directory can't be written,
// nothing is kept and nothing fails.
import createDebug from 'debug';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import { type IndexedLayer, loadIndexFile, saveIndexFile } from './index-file.ts';

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

/** All that `plain/` may hold, in bytes on disk. */
const PLAIN_LIMIT = 20 * 2 ** 30;
/** The part of the disk that is left free. */
const RESERVED = 0.05;
const SHA256 = /^[0-9a-f]{64}$/;

export class IndexStore {
  readonly directory: string;

  /** @param directory absolute; made when something is first kept in it */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** What is saved of the blob with this digest; undefined where nothing is, or nothing that can be used. */
  async loadIndex(sha256: string): Promise<IndexedLayer | undefined> {
    const path = this.#path('indexes', `${sha256}.idx`);
    try {
      const layer = await loadIndexFile(path);
      return layer?.blobSha256 === sha256 ? layer : undefined;
    } catch (error) {
      debug('%s: %O', path, error);
      return undefined;
    }
  }

  async saveIndex(sha256: string, layer: IndexedLayer): Promise<void> {
    const path = this.#path('indexes', `${sha256}.idx`);
    try {
      this.#makeDirectory(dirname(path));
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
      this.#makeDirectory(dirname(path));
      writeFileSync(draft, sha256, { flag: 'wx', mode: 0o600 });
      renameSync(draft, path);
    } catch (error) {
      debug('%s is not kept: %O', path, error);
      if (existsSync(draft)) rmSync(draft);
    }
  }

  /** The kept plain bytes of a blob, open for reading and owned by the caller; undefined where there are none. */
  openPlain(sha256: string): number | undefined {
    const path = this.#path('plain', `${sha256}.tar`);
    try {
      const fd = openSync(path, 'r');
      const now = new Date();
      utimesSync(path, now, now); // the oldest go first
      return fd;
    } catch (error) {
      debug('%s: %O', path, error);
      return undefined;
    }
  }

  /** A new file for plain bytes, not yet named; undefined where the directory can't be written. */
  createPlain(): PlainDraft | undefined {
    try {
      const directory = join(this.directory, 'plain');
      this.#makeDirectory(directory);
      return new PlainDraft(directory);
    } catch (error) {
      debug('%s: %O', this.directory, error);
      return undefined;
    }
  }

  #path(folder: string, name: string): string {
    return join(this.directory, folder, name);
  }

  #makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
}

/** Plain bytes being written: `keep` or `discard` ends it. */
export class PlainDraft {
  /** Open for reading and writing. Owned by the draft until `keep` passes it on. */
  readonly fd: number;
  readonly #directory: string;
  readonly #path: string;

  constructor(directory: string) {
    this.#directory = directory;
    removeStaleDrafts(directory);
    this.#path = draftName(join(directory, 'draft'));
    this.fd = openSync(this.#path, 'wx+', 0o600);
  }

  /** Throws InputError where the disk is filling up. Call it while writing. */
  checkSpace(): void {
    const { bavail, blocks } = statfsSync(this.#directory);
    if (bavail > blocks * RESERVED) return;
    throw new InputError(
      `${this.#directory}: less than ${RESERVED * 100}% of the disk is free, and the layer's plain bytes must be kept there: free some space, or set XDG_CACHE_HOME to a larger disk`,
    );
  }

  /** Names the bytes by the blob's sha256, and makes room by dropping the oldest. The descriptor is the caller's. */
  keep(sha256: string): number {
    const name = `${sha256}.tar`;
    renameSync(this.#path, join(this.#directory, name));
    evict(this.#directory, name);
    return this.fd;
  }

  discard(): void {
    closeSync(this.fd);
    rmSync(this.#path, { force: true });
  }
}

function keyOf(identity: BlobIdentity): string {
  const { device, inode, fileSize, mtimeNs, ctimeNs, offset, length } = identity;
  const text = [device, inode, fileSize, mtimeNs, ctimeNs, offset, length].join(' ');
  return createHash('sha256').update(text).digest('hex');
}

/** A name beside `path` that no other writer has, and that tells whose it is. */
function draftName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.draft`;
}

/** Drafts of processes that are gone. */
function removeStaleDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /\.(\d+)\.[0-9a-f]+\.draft$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else; ESRCH: it is gone.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function evict(directory: string, kept: string): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.tar'))
    .map((name) => {
      const { blocks, mtimeMs } = statSync(join(directory, name));
      return { name, bytes: blocks * 512, mtimeMs };
    })
    .sort((a, b) => a.mtimeMs - b.mtimeMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const { name, bytes } of files) {
    if (total <= PLAIN_LIMIT) return;
    if (name === kept) continue;
    rmSync(join(directory, name), { force: true }); // a mount that has it open goes on reading it
    total -= bytes;
  }
}
