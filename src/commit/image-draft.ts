// ImageDraft: an image that is being written. It gets its name when it is complete. There are two forms: a tar
// (archive-draft.ts) and an OCI layout (layout-draft.ts).
import { type FileHandle, open } from 'node:fs/promises';
import type { BlobLocation } from '../layer/layer.ts';
import { BLOB_FLAGS, requireFound } from '../layer/open-blob.ts';
import { copyRangeLater } from '../sys/upper-calls.ts';
import { EIO, ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { OCI_INDEX } from '../vfs/media-types.ts';
import { writeFailure } from '../vfs/write-failure.ts';

/** Bytes per copy call. A copy can be given up between two calls. */
const PIECE = 64 << 20;

/** A blob whose digest and length are known only at its end. One at a time. */
export interface OpenBlob {
  write(bytes: Uint8Array): Promise<void>;
  end(digest: string): Promise<void>;
}

/** The entry of an image in index.json. */
export interface ListedManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface CopyWatch {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that were copied since the last call. */
  readonly onCopied?: ((bytes: number) => void) | undefined;
}

export interface ImageDraft {
  openBlob(): Promise<OpenBlob>;
  /** Does nothing if the draft has the blob already; so does copyBlob. */
  addBlob(digest: string, bytes: Uint8Array): Promise<void>;
  /** Copies stored bytes unchanged. InputError if the file changes meanwhile. */
  copyBlob(digest: string, from: BlobLocation, watch: CopyWatch): Promise<void>;
  /** Adds the index, and gives the image its name. `more`: documents next to index.json, in order. */
  complete(manifest: ListedManifest, more: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Removes all that was written. Does nothing after `complete`. */
  discard(): Promise<void>;
}

/** Copies a blob to `position` of `to`, the file at `path`, by reflink or copy_file_range(2) if the file systems support it. */
export async function copyStored(
  from: BlobLocation,
  to: FileHandle,
  path: string,
  position: number,
  { signal, onCopied }: CopyWatch,
): Promise<void> {
  const file = await open(from.path, BLOB_FLAGS);
  try {
    requireFound(from, await file.stat());
    const before = await file.stat({ bigint: true });
    for (let done = 0; done < from.length;) {
      signal?.throwIfAborted();
      const length = Math.min(PIECE, from.length - done);
      const copied = await copyRangeLater(file.fd, from.offset + done, to.fd, position + done, length);
      if (copied === -EIO) throw new InputError(`${from.path}: copying it to ${path} failed: EIO`);
      if (copied < 0) throw writeFailure(new ErrnoError(copied, 'copy_file_range', path), path);
      if (copied === 0) throw changedSource(from);
      done += copied;
      onCopied?.(copied);
    }
    const after = await file.stat({ bigint: true });
    if (before.mtimeNs !== after.mtimeNs || before.size !== after.size) throw changedSource(from);
  } finally {
    await file.close();
  }
}

function changedSource({ path }: BlobLocation): InputError {
  return new InputError(
    `${path}: changed while a layer was copied from it; commit again when it is complete`,
    { code: 'ERR_STRATAFS_CHANGED' },
  );
}

/** Writes all of `bytes` at `position` of `file`; `path` is for messages. */
export async function writeAll(
  file: FileHandle,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
  } catch (error) {
    throw writeFailure(error, path);
  }
}

export const LAYOUT_FILE = 'oci-layout';
export const LAYOUT_BYTES = Buffer.from('{"imageLayoutVersion":"1.0.0"}');
export const INDEX_FILE = 'index.json';

/** index.json of an image layout (OCI image-spec, image-index.md). */
export function indexBytes(manifests: readonly unknown[], others: object = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      ...others,
      manifests,
    }),
  );
}
