// Layer: an open changeset: its index, its bytes, and the digests that identify it.
import type { BlobReader } from '../vfs/blob-reader.ts';
import type { IndexedBlob } from './index-file.ts';
import type { LayerIndex } from './layer-index.ts';

/** The position of a blob's stored bytes: a range of a file, usually inside a saved archive. */
export interface BlobLocation {
  /** Absolute path of the file that holds the blob. */
  readonly path: string;
  /** Bytes from the start of that file. */
  readonly offset: number;
  /** Stored length in bytes. */
  readonly length: number;
  /** Identifies the file that was found, if others can replace it: opening compares (open-blob.ts). */
  readonly found?: { readonly dev: number; readonly ino: number };
  /** The blob's name in the archive: a member of a tar, its bytes as latin1. */
  readonly member?: string;
  /** True: the file is a copy in the cache directory, which may be removed at any time. */
  readonly isCopy?: boolean;
  /** True: the bytes are used only if they have the expected digest, even without verification. */
  readonly mustVerify?: boolean;
}

/** The digests that the image states for a layer. They are checked whenever the bytes are read anyway. */
export interface ExpectedDigests {
  /** `sha256:<hex>` of the blob as stored. */
  readonly digest?: string;
  /** `sha256:<hex>` of the uncompressed tar. */
  readonly diffId?: string;
}

/** xz and bzip2 can't be read in place: such a layer is unpacked once. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** A layer's open bytes, and the digests that identify them. */
export interface LayerBytes {
  readonly reader: BlobReader;
  readonly compression: Compression;
  /** sha256 of the blob as stored, `sha256:<hex>`; undefined for a directory, or for unverified bytes. */
  readonly digest: string | undefined;
  /** sha256 of the uncompressed tar, `sha256:<hex>`; undefined in the same cases. */
  readonly diffId: string | undefined;
  /** The facts about a blob; undefined for a directory. */
  readonly facts?: IndexedBlob | undefined;
  /**
   * Names the index from elsewhere that is believed, for a layer that nobody has verified: with it and `facts`, all that the
   * layer shows is the same. Nothing is saved under it.
   */
  readonly indexId?: string | undefined;
  /** Closes the reader, unless others of this process use it (layer-pool.ts). */
  readonly close: () => void;
  /** Resolves when all that closing the reader begins has ended; undefined: nothing is. */
  readonly closed?: Promise<void> | undefined;
}

/** After `close` the index stays usable. */
export interface Layer extends LayerBytes {
  readonly index: LayerIndex;
}
