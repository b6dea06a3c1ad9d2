// Archive: the named blobs of a saved image, which may be members of one tar or files in a directory.
//
// Names come from manifests, which are foreign input: a name or a link never leads out of the archive, and the number
// of links is bounded. An open Archive holds no file open; a blob is a range of a file.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { InputError } from '../vfs/input-error.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { BLOB_FLAGS, requireFound } from '../layer/open-blob.ts';
import type { StoredDocument } from './image.ts';
import { JSON_SIZE_LIMIT, type JsonView, parseJson } from './json-view.ts';
import { showText } from '../vfs/show-text.ts';

export interface Archive {
  /** As the user typed it, escaped for messages. */
  readonly path: string;
  /**
   * The place of the regular file `name` (a path within the archive, with `/` between its parts); undefined if it
   * doesn't exist. Throws, or rejects with, InputError if the name or a link on the way leads out of the archive,
   * loops, or ends at anything but a regular file.
   */
  find(name: string): BlobLocation | undefined | Promise<BlobLocation | undefined>;
  /** For a `name` that `find` doesn't find: the target of the dangling link on its way; undefined if there is none. */
  danglingTarget(name: string): string | undefined | Promise<string | undefined>;
}

/** The reason why `find` doesn't find `name`: "is missing", or the target of a dangling link. */
export async function whyMissing(archive: Archive, name: string): Promise<string> {
  const target = await archive.danglingTarget(name);
  return target === undefined
    ? 'is missing'
    : `is a symlink to ${showText(target)}, which the archive does not hold`;
}

/**
 * A blob that a manifest names but the archive lacks: the index of an archive may list platforms that were never saved.
 */
export class MissingBlobError extends InputError {
  constructor(message: string) {
    super(message);
    this.name = 'MissingBlobError';
  }
}

/** Limit of the JSON read from one archive. Each manifest and config is small, but a hostile index can name many. */
const JSON_TOTAL_LIMIT = 256 << 20;

export interface JsonBlob {
  readonly json: JsonView;
  /** `sha256:<hex>` of the bytes. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly location: BlobLocation;
}

/** Reads the JSON blobs of an archive, each once, and limits the total. */
export class JsonReader {
  readonly #archive: Archive;
  readonly #known = new Map<string, Promise<JsonBlob | undefined>>();
  #total = 0;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** The document `name`; undefined if the archive doesn't have it. Throws InputError for anything but JSON. */
  read(name: string): Promise<JsonBlob | undefined> {
    let blob = this.#known.get(name);
    if (blob === undefined) {
      blob = this.#read(name);
      this.#known.set(name, blob);
    }
    return blob;
  }

  async #read(name: string): Promise<JsonBlob | undefined> {
    const location = await this.#archive.find(name);
    if (location === undefined) return undefined;
    const where = `${this.#archive.path}: ${showText(name)}`;
    if (location.length > JSON_SIZE_LIMIT) {
      throw new InputError(
        `${where}: found ${location.length} bytes, expected JSON of at most ${JSON_SIZE_LIMIT}`,
      );
    }
    this.#total += location.length;
    if (this.#total > JSON_TOTAL_LIMIT) {
      throw new InputError(
        `${this.#archive.path}: found more than ${JSON_TOTAL_LIMIT} bytes of manifests and configs`,
      );
    }
    const bytes = await readBlob(location, where);
    return {
      json: parseJson(bytes, where),
      digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
      size: bytes.length,
      location,
    };
  }
}

/** All bytes of a blob that the caller knows to be small. `where` names it in the message about a truncated blob. */
export async function readBlob(location: BlobLocation, where: string): Promise<Buffer> {
  const file = await open(location.path, BLOB_FLAGS);
  try {
    requireFound(location, await file.stat());
    const bytes = Buffer.alloc(location.length);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, location.offset + filled);
      if (bytesRead === 0) {
        throw new InputError(
          `${where}: found ${filled} bytes, expected ${bytes.length}: the file is truncated`,
        );
      }
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** The bytes of a manifest or config. Throws InputError if they don't have its digest any more. */
export async function readDocument({ blob, digest }: StoredDocument, where: string): Promise<Buffer> {
  const bytes = await readBlob(blob, where);
  if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` === digest) return bytes;
  throw new InputError(`${where}: was changed while it was read`, { code: 'ERR_STRATAFS_CHANGED' });
}

/**
 * The parts of a path within an archive: empty parts and `.` are dropped, `..` stays. An absolute path starts at the
 * archive's root, as in a chroot.
 */
export function pathParts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
