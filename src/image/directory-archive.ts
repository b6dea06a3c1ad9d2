// Archive of the files in a directory: an OCI layout, or an unpacked image archive.
//
// The directory itself may be a symlink. A symlink inside it may lead out only if it is a blob named by its digest, as
// in layouts made by Bazel: the bytes are then verified before they are shown, whatever the options say. Otherwise a
// hostile layout could show any file of the host that the daemon (often root) can read.
import { constants } from 'node:fs';
import { open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { type Archive, pathParts } from './archive.ts';
import { digestOfBlobName } from './digest.ts';
import { showText } from '../vfs/show-text.ts';

export class DirectoryArchive implements Archive {
  readonly path: string;
  readonly #root: string;

  private constructor(path: string, root: string) {
    this.path = path;
    this.#root = root;
  }

  /** `path` is a directory. */
  static async open(path: string): Promise<DirectoryArchive> {
    return new DirectoryArchive(showText(path), await realpath(path));
  }

  async danglingTarget(name: string): Promise<string | undefined> {
    // Any part of the path may be the link.
    for (let parts = pathParts(name); parts.length > 0; parts = parts.slice(0, -1)) {
      const target = await readlink(join(this.#root, ...parts)).catch(() => undefined); // EINVAL: no link; ENOENT
      if (target !== undefined) return target;
    }
    return undefined;
  }

  find(name: string): Promise<BlobLocation | undefined> {
    return this.#find(name, digestOfBlobName(name) !== undefined);
  }

  /** As `find`, for a blob whose name is its digest. The caller compares the digest. */
  findDigested(name: string): Promise<BlobLocation | undefined> {
    return this.#find(name, true);
  }

  async #find(name: string, isDigested: boolean): Promise<BlobLocation | undefined> {
    const parts = pathParts(name);
    const where = `${this.path}: ${showText(name)}`;
    if (parts.includes('..')) throw new InputError(`${where}: found a path that leads out of the layout`);
    let real: string;
    try {
      real = await realpath(join(this.#root, ...parts));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The name doesn't exist, or is beneath a file. Node itself refuses a NUL in the name.
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
      if (code === 'ERR_INVALID_ARG_VALUE') return undefined;
      if (code === 'ELOOP') throw new InputError(`${where}: found a loop of symlinks`, { cause: error });
      throw error;
    }
    // O_NONBLOCK: opening a FIFO must not wait for a writer. O_NOFOLLOW: `real` has no symlink left.
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      // The path of the opened file: a directory above may have been replaced by a symlink meanwhile.
      const path = await readlink(`/proc/self/fd/${file.fd}`);
      const base = this.#root === '/' ? '/' : `${this.#root}/`;
      const isOutside = !path.startsWith(base);
      if (isOutside && !isDigested) {
        throw new InputError(
          `${where}: found a symlink that leads out of the layout, to ${showText(path)}; only blobs may, which have ` +
            `digests; to resolve all links: \`cp -rL ${this.path} COPY\``,
        );
      }
      const stats = await file.stat();
      if (!stats.isFile()) throw new InputError(`${where}: found no regular file`);
      const { size: length, dev, ino } = stats;
      return { path, offset: 0, length, found: { dev, ino }, ...(isOutside ? { mustVerify: true } : {}) };
    } finally {
      await file.close();
    }
  }
}
