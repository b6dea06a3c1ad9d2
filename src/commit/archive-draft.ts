// ArchiveDraft: an OCI layout in a tar. A blob is written straight to its place. Its header names the digest, so it is
// written last.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { blobName } from '../image/digest.ts';
import { draftName } from '../sys/drafts.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { BLOCK_SIZE } from '../tar/header.ts';
import { headerBlock } from '../tar/write-header.ts';
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

/** An archive ends with two blocks of zeros. */
const END = Buffer.alloc(2 * BLOCK_SIZE);

export class ArchiveDraft implements ImageDraft {
  readonly #path: string;
  readonly #draft: string;
  readonly #file: FileHandle;
  readonly #digests = new Set<string>();
  #position = 0;

  private constructor(path: string, draft: string, file: FileHandle) {
    this.#path = path;
    this.#draft = draft;
    this.#file = file;
  }

  /** Nothing exists at `path` yet. */
  static async create(path: string): Promise<ArchiveDraft> {
    const draft = draftName(path);
    const created = new ArchiveDraft(path, draft, await open(draft, 'wx+'));
    for (const name of ['blobs/', 'blobs/sha256/']) await created.#append(header(name, 0, '5'));
    return created;
  }

  async openBlob(): Promise<OpenBlob> {
    const start = this.#position;
    await this.#append(Buffer.alloc(BLOCK_SIZE));
    return {
      write: (bytes) => this.#append(bytes),
      end: async (digest) => {
        const size = this.#position - start - BLOCK_SIZE;
        if (this.#digests.has(digest)) {
          // The archive has the same blob already: drop this one.
          this.#position = start;
          await this.#file.truncate(start);
          return;
        }
        this.#digests.add(digest);
        await writeAll(this.#file, this.#path, header(blobName(digest), size, '0'), start);
        await this.#pad();
      },
    };
  }

  async addBlob(digest: string, bytes: Uint8Array): Promise<void> {
    if (this.#digests.has(digest)) return;
    this.#digests.add(digest);
    await this.#addFile(blobName(digest), bytes);
  }

  async copyBlob(digest: string, from: BlobLocation, watch: CopyWatch): Promise<void> {
    if (this.#digests.has(digest)) return;
    this.#digests.add(digest);
    await this.#append(header(blobName(digest), from.length, '0'));
    await copyStored(from, this.#file, this.#path, this.#position, watch);
    this.#position += from.length;
    await this.#pad();
  }

  async complete(manifest: ListedManifest, more: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [name, bytes] of more) await this.#addFile(name, bytes);
    await this.#addFile(INDEX_FILE, indexBytes([manifest]));
    await this.#addFile(LAYOUT_FILE, LAYOUT_BYTES);
    await this.#append(END);
    await this.#file.close();
    await rename(this.#draft, this.#path);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#draft, { force: true });
  }

  async #addFile(name: string, bytes: Uint8Array): Promise<void> {
    await this.#append(header(name, bytes.length, '0'));
    await this.#append(bytes);
    await this.#pad();
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file, this.#path, bytes, this.#position);
    this.#position += bytes.length;
  }

  async #pad(): Promise<void> {
    const over = this.#position % BLOCK_SIZE;
    if (over > 0) await this.#append(END.subarray(0, BLOCK_SIZE - over));
  }
}

/** Owned by root and dated 1970, so that equal images give equal bytes. */
function header(name: string, size: number, typeflag: '0' | '5'): Buffer {
  return headerBlock({ name, size, typeflag, mode: typeflag === '5' ? 0o755 : 0o644 });
}
