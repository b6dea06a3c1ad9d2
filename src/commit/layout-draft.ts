// LayoutDraft: an OCI layout as a directory: a new one, which gets its name when it is complete, or one more image in one
// that is there, whose index.json is then replaced.
import { type FileHandle, access, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blobName } from '../image/digest.ts';
import { parseJson } from '../image/json-view.ts';
import type { BlobLocation } from '../layer/layer.ts';
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

export class LayoutDraft implements ImageDraft {
  readonly #path: string;
  /** Where it is written: beside `path`, or `path` itself where that is a layout already. */
  readonly #root: string;
  /** Blobs that were not there before. */
  readonly #added: string[] = [];
  /** What is being written. */
  #file: FileHandle | undefined;
  #isComplete = false;

  private constructor(path: string, root: string) {
    this.#path = path;
    this.#root = root;
  }

  /** `isThere`: `path` is a layout. */
  static async create(path: string, isThere: boolean): Promise<LayoutDraft> {
    const root = isThere ? path : `${path}.${process.pid}.draft`;
    const draft = new LayoutDraft(path, root);
    if (!isThere) await mkdir(root);
    await mkdir(join(root, 'blobs', 'sha256'), { recursive: true });
    if (!isThere) await writeFile(join(root, LAYOUT_FILE), LAYOUT_BYTES);
    return draft;
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
    for (const [name, bytes] of more) await writeFile(join(this.#root, name), bytes);
    const index = join(this.#root, INDEX_FILE);
    const known = this.#root === this.#path ? await readIndex(index) : { manifests: [] };
    const { manifests, ...others } = known;
    const draft = `${index}.${process.pid}.draft`;
    await writeFile(draft, indexBytes([...manifests, manifest], others), { flag: 'wx' });
    await rename(draft, index);
    if (this.#root !== this.#path) await rename(this.#root, this.#path);
    this.#isComplete = true;
  }

  async discard(): Promise<void> {
    if (this.#isComplete) return;
    await this.#file?.close();
    if (this.#root !== this.#path) await rm(this.#root, { recursive: true, force: true });
    else for (const path of this.#added) await rm(path, { force: true });
  }

  async #open(): Promise<{ draft: string; file: FileHandle }> {
    const draft = join(this.#root, 'blobs', 'sha256', `.${process.pid}.draft`);
    const file = await open(draft, 'wx');
    this.#added.push(draft);
    this.#file = file;
    return { draft, file };
  }

  async #keep(draft: string, digest: string): Promise<void> {
    if (await this.#has(digest)) return rm(draft);
    const place = join(this.#root, blobName(digest));
    await rename(draft, place);
    this.#added.push(place);
  }

  #has(digest: string): Promise<boolean> {
    return isThere(join(this.#root, blobName(digest)));
  }
}

/** index.json of a layout. InputError for what is none. */
export async function readIndex(path: string): Promise<{ manifests: readonly unknown[] }> {
  const json = parseJson(await readFile(path), path);
  const manifests = json.get('manifests');
  if (!manifests.isArray) throw new InputError(`${path}: found no list of manifests, expected an OCI index`);
  return json.value as { manifests: readonly unknown[] };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false, // ENOENT; what else is wrong, writing says
  );
}
