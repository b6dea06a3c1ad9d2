// The index of a layer as it lies in a registry, in two blobs: names (docs/formats.md, "Index artifact"), which a mount reads at
// once, and the windows of gzip, which are read by range where files are read.
//
// The first is an index file whose windows are zeros, and then the digests of the chunks of the windows, all compressed by
// gzip. Both are foreign input: the file is validated as one of the cache directory is, and windows are verified by chunks.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  IndexFileField,
  INDEX_FILE_HEADER_SIZE,
  type IndexedLayer,
  decodeIndexFile,
  encodeIndexFile,
} from '../layer/index-file.ts';
import { CHUNK_DIGEST_SIZE, CHUNK_SIZE, chunkCount } from '../vfs/chunks.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Bytes of the names of all layers, compressed. An index takes about 100 bytes a name, and a tenth of that compressed. */
export const NAMES_LIMIT = 256 << 20;
/** Bytes of the names of one layer, uncompressed. */
const UNPACKED_LIMIT = 1 << 30;
/** Names that compress better are not those of a layer; the zeros in place of the windows do. */
const MAX_RATIO = 100;
const SMALLEST_LIMIT = 1 << 20;

export interface LayerParts {
  readonly names: Buffer;
  /** Empty for a layer that is not gzip. */
  readonly windows: Uint8Array;
}

/** An index from elsewhere, without its windows. */
export interface DecodedNames {
  /** The column of windows is zeros, and is the receiver's to fill. */
  readonly indexed: IndexedLayer;
  /** Of each chunk of the windows. */
  readonly windowsSha256: Uint8Array;
}

/** The parts of an index that was made here. */
export async function encodeParts(indexed: IndexedLayer): Promise<LayerParts> {
  const { windows } = indexed.spans;
  const blank = { ...indexed, spans: { ...indexed.spans, windows: new Uint8Array(windows.length) } };
  const digests = Array.from({ length: chunkCount(windows.length) }, (_, chunk) =>
    createHash('sha256')
      .update(windows.subarray(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE))
      .digest(),
  );
  const names = await compress(Buffer.concat([...encodeIndexFile(blank), ...digests]), { level: 9 });
  return { names, windows };
}

/** Undefined for anything that `encodeParts` can't have made with `windowsLength` bytes of windows. */
export async function decodeNames(
  names: Uint8Array,
  windowsLength: number,
): Promise<DecodedNames | undefined> {
  const expected = SMALLEST_LIMIT + MAX_RATIO * names.length + 2 * windowsLength;
  let bytes: Buffer;
  try {
    bytes = await decompress(names, { maxOutputLength: Math.min(UNPACKED_LIMIT, expected) });
  } catch {
    return undefined; // not gzip, or too large
  }
  if (bytes.length < INDEX_FILE_HEADER_SIZE) return undefined;
  const length = bytes.readDoubleLE(IndexFileField.length);
  if (!Number.isInteger(length) || length < 0 || length > bytes.length) return undefined;
  const indexed = await decodeIndexFile(Uint8Array.from(bytes.subarray(0, length)).buffer);
  const windowsSha256 = Uint8Array.from(bytes.subarray(length));
  if (indexed === undefined) return undefined;
  if (indexed.spans.windows.length !== windowsLength) return undefined;
  const chunks = chunkCount(windowsLength);
  return windowsSha256.length === chunks * CHUNK_DIGEST_SIZE ? { indexed, windowsSha256 } : undefined;
}
