// Stores what a scan found out about a layer in one file: digests, checkpoints and index. It loads with one read, as
// views.
//
// The facts about the blob come first and have a checksum of their own: if the merged tree is saved too, a mount reads
// nothing else (`loadIndexedBlob`). docs/formats.md, "Index file", documents the fields. A file that is short, old,
// changed or of another user is not an error: loading returns undefined, and the caller scans again. The same holds for
// a file whose checksums are right but whose content no scan can have produced. INDEX_FILE_VERSION changes when the
// fields do, and when the same tar would give another index.
import createDebug from 'debug';
import { createHash } from 'node:crypto';
import type { SpanTable } from '../sys/scan.ts';
import { checkLayerIndex } from '../sys/table-check.ts';
import {
  bytesOfLayerIndex,
  countsOf,
  layerIndexLength,
  viewLayerIndex,
  type LayerIndexCounts,
} from './layer-index-layout.ts';
import type { LayerIndex } from './layer-index.ts';
import { CHUNK_DIGEST_SIZE, chunkCount } from '../vfs/chunks.ts';
import { saveFile, withSavedFile } from './saved-file.ts';
import { checkSpanTable } from './span-table-check.ts';
import { bytesOfSpanTable, spanTableLength, viewSpanTable } from './span-table-layout.ts';

const debug = createDebug('stratafs:store');

export const INDEX_FILE_VERSION = 6;

/** The facts about the blob in an index file. */
export interface IndexedBlob {
  readonly spans: SpanTable;
  /** Uncompressed bytes, including padding and junk at the end. */
  readonly tarSize: number;
  /** Lower-case hex of the blob as stored, and of the uncompressed tar; undefined if they were not computed. */
  readonly blobSha256: string | undefined;
  readonly tarSha256: string | undefined;
  /** True if some spans lie in a spill file. */
  readonly hasSpilled: boolean;
  /** The sha256 of each chunk (vfs/chunks.ts) of the blob as stored; empty if `blobSha256` is undefined. */
  readonly chunkSha256: Uint8Array;
}

/** The content of an index file. */
export interface IndexedLayer extends IndexedBlob {
  readonly index: LayerIndex;
}

/** Offsets of the header's fields, in bytes. */
export const IndexFileField = {
  magic: 0,
  version: 8,
  flags: 12,
  sha256: 16,
  length: 48,
  tarSize: 56,
  blobSha256: 64,
  tarSha256: 96,
  columnsSha256: 128,
  dentries: 160,
  inodes: 168,
  pool: 176,
  xattrs: 184,
  extents: 192,
  links: 200,
  spans: 208,
  windows: 216,
  chunks: 224,
} as const;

export const INDEX_FILE_HEADER_SIZE = 232;
const SHA256_SIZE = 32;
/** `sha256` covers the bytes from here on. */
const CHECKED_FROM = IndexFileField.length;
const MAGIC = Buffer.from('stratafs');
const Flag = { blobSha256: 1, tarSha256: 2, hasSpilled: 4 } as const;
const countFields = ['dentries', 'inodes', 'pool', 'xattrs', 'extents', 'links'] as const;

/** The bytes of the file, as pieces to be written one after the other. */
export function encodeIndexFile(layer: IndexedLayer): Uint8Array[] {
  const columns = bytesOfLayerIndex(layer.index);
  const spans = bytesOfSpanTable(layer.spans);
  const header = Buffer.alloc(INDEX_FILE_HEADER_SIZE);
  const counts = countsOf(layer.index);
  header.set(MAGIC, IndexFileField.magic);
  header.writeUInt32LE(INDEX_FILE_VERSION, IndexFileField.version);
  const flags =
    (layer.blobSha256 === undefined ? 0 : Flag.blobSha256) |
    (layer.tarSha256 === undefined ? 0 : Flag.tarSha256) |
    (layer.hasSpilled ? Flag.hasSpilled : 0);
  header.writeUInt32LE(flags, IndexFileField.flags);
  header.writeDoubleLE(
    header.length + spans.length + layer.chunkSha256.length + columns.length,
    IndexFileField.length,
  );
  header.writeDoubleLE(layer.tarSize, IndexFileField.tarSize);
  header.write(layer.blobSha256 ?? '', IndexFileField.blobSha256, 'hex');
  header.write(layer.tarSha256 ?? '', IndexFileField.tarSha256, 'hex');
  for (const name of countFields) header.writeDoubleLE(counts[name], IndexFileField[name]);
  header.writeDoubleLE(layer.spans.count, IndexFileField.spans);
  header.writeDoubleLE(layer.spans.windows.length, IndexFileField.windows);
  header.writeDoubleLE(layer.chunkSha256.length / CHUNK_DIGEST_SIZE, IndexFileField.chunks);
  header.set(createHash('sha256').update(columns).digest(), IndexFileField.columnsSha256);
  header.set(checksum(header, spans, layer.chunkSha256), IndexFileField.sha256);
  return [header, spans, layer.chunkSha256, columns];
}

/** The positions of the parts of a file, from its header. */
interface Parts {
  readonly counts: LayerIndexCounts;
  readonly spanCount: number;
  readonly windowsLength: number;
  /** The span table lies between the header and this offset. */
  readonly chunksAt: number;
  /** The digests of chunks lie between `chunksAt` and this offset, the columns between it and the end of the file. */
  readonly columnsAt: number;
}

/** Undefined unless it is the header of a complete file of this version with `fileSize` bytes. */
function decodeHeader(header: Buffer, fileSize: number): Parts | undefined {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (header.readUInt32LE(IndexFileField.version) !== INDEX_FILE_VERSION) return undefined;
  const counts = Object.fromEntries(
    countFields.map((name) => [name, header.readDoubleLE(IndexFileField[name])]),
  ) as unknown as LayerIndexCounts;
  const spanCount = header.readDoubleLE(IndexFileField.spans);
  const windowsLength = header.readDoubleLE(IndexFileField.windows);
  const chunks = header.readDoubleLE(IndexFileField.chunks);
  const isSane = [...countFields.map((name) => counts[name]), spanCount, windowsLength, chunks].every(
    (count) => Number.isInteger(count) && count >= 0 && count <= fileSize,
  );
  if (!isSane) return undefined;
  const chunksAt = INDEX_FILE_HEADER_SIZE + spanTableLength(spanCount, windowsLength);
  const columnsAt = chunksAt + chunks * CHUNK_DIGEST_SIZE;
  const length = columnsAt + layerIndexLength(counts);
  if (length !== fileSize || length !== header.readDoubleLE(IndexFileField.length)) return undefined;
  return { counts, spanCount, windowsLength, chunksAt, columnsAt };
}

/**
 * `buffer` holds the header and the span table; undefined if they were changed, or if no scan can have produced them.
 */
function decodeBlob(buffer: ArrayBuffer, parts: Parts): IndexedBlob | undefined {
  const header = Buffer.from(buffer, 0, INDEX_FILE_HEADER_SIZE);
  const checkedLength = parts.columnsAt - INDEX_FILE_HEADER_SIZE;
  const sha256 = checksum(header, new Uint8Array(buffer, INDEX_FILE_HEADER_SIZE, checkedLength));
  if (!sha256.equals(sha256At(header, IndexFileField.sha256))) return undefined;
  const flags = header.readUInt32LE(IndexFileField.flags);
  const digest = (flag: number, at: number): string | undefined =>
    (flags & flag) === 0 ? undefined : sha256At(header, at).toString('hex');
  const blob = {
    spans: viewSpanTable(buffer, INDEX_FILE_HEADER_SIZE, parts.spanCount, parts.windowsLength),
    tarSize: header.readDoubleLE(IndexFileField.tarSize),
    blobSha256: digest(Flag.blobSha256, IndexFileField.blobSha256),
    tarSha256: digest(Flag.tarSha256, IndexFileField.tarSha256),
    hasSpilled: (flags & Flag.hasSpilled) !== 0,
    chunkSha256: new Uint8Array(buffer, parts.chunksAt, parts.columnsAt - parts.chunksAt),
  };
  const fault = faultOfBlob(blob);
  if (fault === undefined) return blob;
  debug('the spans of %s are not used, the blob is scanned again: %s', blob.blobSha256, fault);
  return undefined;
}

/** Why no scan can have produced these facts; undefined if one can. */
function faultOfBlob({
  spans,
  tarSize,
  hasSpilled,
  blobSha256,
  chunkSha256,
}: IndexedBlob): string | undefined {
  const fault = checkSpanTable(spans, tarSize, hasSpilled);
  if (fault !== undefined) return fault;
  const size = spans.blobOffset[spans.count] as number;
  const chunks = blobSha256 === undefined ? 0 : chunkCount(size);
  const isRight = chunkSha256.length === chunks * CHUNK_DIGEST_SIZE;
  return isRight ? undefined : `the digests of chunks are not those of ${size} bytes`;
}

/** Views on `buffer`, which stays in use; undefined unless it is a complete, unchanged file of this version. */
export async function decodeIndexFile(buffer: ArrayBuffer): Promise<IndexedLayer | undefined> {
  if (buffer.byteLength < INDEX_FILE_HEADER_SIZE) return undefined;
  const header = Buffer.from(buffer, 0, INDEX_FILE_HEADER_SIZE);
  const parts = decodeHeader(header, buffer.byteLength);
  const blob = parts === undefined ? undefined : decodeBlob(buffer, parts);
  if (parts === undefined || blob === undefined) return undefined;
  const { columnsAt, counts } = parts;
  const index = viewLayerIndex(buffer, columnsAt, counts);
  // The pool thread checks the index while this thread computes the checksum.
  const checking = checkLayerIndex(index, blob.tarSize);
  const sha256 = createHash('sha256').update(new Uint8Array(buffer, columnsAt)).digest();
  const fault = await checking;
  if (!sha256.equals(sha256At(header, IndexFileField.columnsSha256))) return undefined;
  if (fault === undefined) return { ...blob, index };
  debug('the index of %s is not used, the blob is scanned again: %s', blob.blobSha256, fault);
  return undefined;
}

function sha256At(header: Buffer, at: number): Buffer {
  return header.subarray(at, at + SHA256_SIZE);
}

/** The digest of the flags, and of everything between the checksum and the columns. */
function checksum(header: Buffer, ...pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
    .update(header.subarray(IndexFileField.flags, IndexFileField.sha256))
    .update(header.subarray(CHECKED_FROM));
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** Writes the file atomically. Throws Node's own errors. */
export function saveIndexFile(path: string, layer: IndexedLayer): Promise<void> {
  return saveFile(path, encodeIndexFile(layer));
}

/** The content of the file; undefined if it is missing, or if `decodeIndexFile` refuses it. Throws Node's errors. */
export function loadIndexFile(path: string): Promise<IndexedLayer | undefined> {
  return withSavedFile(path, async (file) => {
    const buffer = await file.read(0, file.size);
    return buffer === undefined ? undefined : decodeIndexFile(buffer);
  });
}

/**
 * The facts about the blob, without reading the columns; undefined in the cases of `loadIndexFile`. Throws Node's
 * errors.
 */
export function loadIndexedBlob(path: string): Promise<IndexedBlob | undefined> {
  return withSavedFile(path, async (file) => {
    const header = await file.read(0, INDEX_FILE_HEADER_SIZE);
    const parts = header === undefined ? undefined : decodeHeader(Buffer.from(header), file.size);
    const buffer = parts === undefined ? undefined : await file.read(0, parts.columnsAt);
    return parts === undefined || buffer === undefined ? undefined : decodeBlob(buffer, parts);
  });
}
