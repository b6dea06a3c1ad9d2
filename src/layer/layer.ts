// Layer: one changeset that is open for use: its index, its bytes, and the digests that name it.
import type { BlobReader } from '../vfs/blob-reader.ts';
import type { LayerIndex } from './layer-index.ts';

/** Where a blob's stored bytes lie: a range of a file, usually inside a saved archive. */
export interface BlobLocation {
  /** Absolute path of the file that holds the blob. */
  readonly path: string;
  /** Bytes from the start of that file. */
  readonly offset: number;
  /** Stored length in bytes. */
  readonly length: number;
  /** The file at `path`, if others may put another there: who opens it compares (open-blob.ts). */
  readonly found?: { readonly dev: number; readonly ino: number };
  /** What the archive calls it: a member of a tar, its bytes as latin1. */
  readonly member?: string;
  /** True: the bytes are used only if they have the digest that is expected, even if no digests are to be verified. */
  readonly mustVerify?: boolean;
}

/** What the image says about a layer's bytes: checked whenever the bytes are read anyway. */
export interface ExpectedDigests {
  /** `sha256:<hex>` of the blob as stored. */
  readonly digest?: string;
  /** `sha256:<hex>` of the uncompressed tar. */
  readonly diffId?: string;
}

/** xz and bzip2 are not read in place: such a layer is unpacked once. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** A layer's bytes, open for use, and the digests that name them. */
export interface LayerBytes {
  readonly reader: BlobReader;
  readonly compression: Compression;
  /** sha256 of the blob as stored, `sha256:<hex>`; undefined for a directory, or unverified bytes. */
  readonly digest: string | undefined;
  /** sha256 of the uncompressed tar, `sha256:<hex>`; undefined likewise. */
  readonly diffId: string | undefined;
  /** Closes the reader. */
  close(): void;
}

/** Closed, its index stays usable. */
export interface Layer extends LayerBytes {
  readonly index: LayerIndex;
}
