// LayoutDraft: an OCI layout in a directory. A new layout gets its name when it is complete. In an existing layout, which
// gets one more image, index.json is replaced at the end.
//
// The owner of the layout, and any user who may write to the directories above it, could put symlinks in place of its
// directories. So the layout's directory and blobs/sha256 are opened once, without following symlinks, and all other files are
// named through these descriptors (`/proc/self/fd`).
import { closeSync, constants } from 'node:fs';
import { type FileHandle, access, mkdir, open, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../image/json-view.ts';
import { draftName } from '../sys/drafts.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { emptyDirectory } from '../overlay/upper/empty-directory.ts';
import { openBeneath } from '../sys/file-calls.ts';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import {
  type CopyWatch,
  type ImageDraft,
  INDEX_FILE,
  LAYOUT_BYTES,
  LAYOUT_FILE,
  type ListedManifest,
  type OpenBlob,
  copyStored,
  indexBytes,
  writeAll,
} from './image-draft.ts';

export const REF_NAME = 'org.opencontainers.image.ref.name';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** The path of a name in a directory that is open. */
const within = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

async function requireOwn(directory: FileHandle, path: string): Promise<void> {
  if ((await directory.stat()).uid === process.geteuid?.()) return;
  throw new InputError(`${path}: was replaced by another user while it was being created`);
}

/** A descriptor of the layout's blobs/sha256, which is created if it is missing. InputError for a symlink. */
async function openBlobs(layout: FileHandle, path: string): Promise<number> {
  let fd = -1;
  for (const name of ['blobs', 'blobs/sha256']) {
    await mkdir(within(layout.fd, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    if (fd >= 0) closeSync(fd);
    fd = openBeneath(layout.fd, Buffer.from(name), DIRECTORY);
    if (fd < 0)
      throw new InputError(
        `${path}/${name}: found no directory (${errnoName(fd)}), expected one to write blobs to`,
      );
  }
  return fd;
}

export class LayoutDraft implements ImageDraft {
  readonly #path: string;
  /** The directory that is written to: a draft next to `path`, or `path` itself if that is a layout already. */
  readonly #root: string;
  /** `#root`, open. */
  readonly #directory: FileHandle;
  /** blobs/sha256, open. */
  readonly #blobs: number;
  /** Paths of the blobs that this draft has added. */
  readonly #added: string[] = [];
  /** The blob that is being written. */
  #file: FileHandle | undefined;
  #isComplete = false;

  private constructor(path: string, root: string, directory: FileHandle, blobs: number) {
    this.#path = path;
    this.#root = root;
    this.#directory = directory;
    this.#blobs = blobs;
  }

  /** `isThere`: `path` is a layout already. */
  static async create(path: string, isThere: boolean): Promise<LayoutDraft> {
    const root = isThere ? path : draftName(path);
    if (!isThere) await mkdir(root);
    const directory = await open(root, DIRECTORY | (isThere ? 0 : constants.O_NOFOLLOW));
    try {
      if (!isThere) await requireOwn(directory, root);
      const blobs = await openBlobs(directory, path);
      if (!isThere) await writeFile(within(directory.fd, LAYOUT_FILE), LAYOUT_BYTES, { flag: 'wx' });
      return new LayoutDraft(path, root, directory, blobs);
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  async openBlob(): Promise<OpenBlob> {
    const { draft, file } = await this.#open();
    let position = 0;
    return {
      write: async (bytes) => {
        await writeAll(file, this.#path, bytes, position);
        position += bytes.length;
      },
      end: async (digest) => {
        await file.close();
        await this.#keep(draft, digest);
      },
    };
  }

  async addBlob(digest: string, bytes: Uint8Array): Promise<void> {
    if (await this.#has(digest)) return;
    const blob = await this.openBlob();
    await blob.write(bytes);
    await blob.end(digest);
  }

  async copyBlob(digest: string, from: BlobLocation, watch: CopyWatch): Promise<void> {
    if (await this.#has(digest)) return;
    const { draft, file } = await this.#open();
    await copyStored(from, file, this.#path, 0, watch);
    await file.close();
    await this.#keep(draft, digest);
  }

  async complete(manifest: ListedManifest, more: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [name, bytes] of more)
      await writeFile(within(this.#directory.fd, name), bytes, { flag: 'wx' });
    const index = within(this.#directory.fd, INDEX_FILE);
    const oldIndex =
      this.#root === this.#path ? await readIndex(join(this.#path, INDEX_FILE)) : { manifests: [] };
    const { manifests, ...others } = oldIndex;
    const draft = draftName(index);
    await writeFile(draft, indexBytes([...manifests, manifest], others), { flag: 'wx' });
    await rename(draft, index);
    if (this.#root !== this.#path) await rename(this.#root, this.#path);
    this.#isComplete = true;
    await this.#close();
  }

  async discard(): Promise<void> {
    if (this.#isComplete) return;
    await this.#file?.close();
    if (this.#root === this.#path) {
      for (const path of this.#added) await rm(path, { force: true });
    } else {
      emptyDirectory(this.#directory.fd);
      await rmdir(this.#root);
    }
    await this.#close();
  }

  async #close(): Promise<void> {
    closeSync(this.#blobs);
    await this.#directory.close();
  }

  async #open(): Promise<{ draft: string; file: FileHandle }> {
    const draft = draftName(within(this.#blobs, ''));
    const file = await open(draft, 'wx');
    this.#added.push(draft);
    this.#file = file;
    return { draft, file };
  }

  async #keep(draft: string, digest: string): Promise<void> {
    if (await this.#has(digest)) return rm(draft);
    const place = this.#placeOf(digest);
    await rename(draft, place);
    this.#added.push(place);
  }

  #has(digest: string): Promise<boolean> {
    return isThere(this.#placeOf(digest));
  }

  /** `digest`: `sha256:<hex>`. */
  #placeOf(digest: string): string {
    return within(this.#blobs, digest.slice(digest.indexOf(':') + 1));
  }
}

/** Reads index.json of a layout. InputError if it is not an index. */
export async function readIndex(path: string): Promise<{ manifests: readonly unknown[] }> {
  const json = parseJson(await readRegular(path), path);
  const manifests = json.get('manifests');
  if (!manifests.isArray) throw new InputError(`${path}: found no list of manifests, expected an OCI index`);
  return json.value as { manifests: readonly unknown[] };
}

/** O_NONBLOCK: a FIFO in its place must not block. */
async function readRegular(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).isFile()) return await file.readFile();
    throw new InputError(`${path}: found no regular file, expected an OCI index`);
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false, // ENOENT; writing reports any other error
  );
}
