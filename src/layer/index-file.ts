// One file with all that is known of a layer: its index, its checkpoints, its digests. Loaded with one read, as views.
//
// The fields are documented in docs/formats.md, "Index file". A file that is short, old, changed or somebody else's is
// not an error: it reads as undefined, and is made again. INDEX_FILE_VERSION moves whenever the fields do, and whenever
// the same tar would give another index.
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { SpanTable } from '../sys/scan.ts';
import {
  bytesOfLayerIndex,
  countsOf,
  layerIndexLength,
  viewLayerIndex,
  type LayerIndexCounts,
} from './layer-index-layout.ts';
import type { LayerIndex } from './layer-index.ts';
import { bytesOfSpanTable, spanTableLength, viewSpanTable } from './span-table-layout.ts';

export const INDEX_FILE_VERSION = 2;

/** What an index file holds. */
export interface IndexedLayer {
  readonly index: LayerIndex;
  readonly spans: SpanTable;
  /** Uncompressed bytes, padding and junk at the end included. */
  readonly tarSize: number;
  /** Lower-case hex of the blob as stored, and of the uncompressed tar; undefined where they were not computed. */
  readonly blobSha256: string | undefined;
  readonly tarSha256: string | undefined;
  /** True where some spans lie in a spill file. */
  readonly hasSpilled: boolean;
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
  dentries: 128,
  inodes: 136,
  pool: 144,
  xattrs: 152,
  extents: 160,
  links: 168,
  spans: 176,
  windows: 184,
} as const;

export const INDEX_FILE_HEADER_SIZE = 192;
/** What `sha256` covers begins here. */
const CHECKED_FROM = IndexFileField.length;
const MAGIC = Buffer.from('stratafs');
const Flag = { blobSha256: 1, tarSha256: 2, hasSpilled: 4 } as const;
const countFields = ['dentries', 'inodes', 'pool', 'xattrs', 'extents', 'links'] as const;

/** The file's bytes, as pieces to be written one behind the other. */
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
  header.writeDoubleLE(header.length + columns.length + spans.length, IndexFileField.length);
  header.writeDoubleLE(layer.tarSize, IndexFileField.tarSize);
  header.write(layer.blobSha256 ?? '', IndexFileField.blobSha256, 'hex');
  header.write(layer.tarSha256 ?? '', IndexFileField.tarSha256, 'hex');
  for (const name of countFields) header.writeDoubleLE(counts[name], IndexFileField[name]);
  header.writeDoubleLE(layer.spans.count, IndexFileField.spans);
  header.writeDoubleLE(layer.spans.windows.length, IndexFileField.windows);
  header.set(checksum(header, [columns, spans]), IndexFileField.sha256);
  return [header, columns, spans];
}

/** Views on `buffer`, which they keep; undefined where it is not a whole, unchanged file of this version. */
export function decodeIndexFile(buffer: ArrayBuffer): IndexedLayer | undefined {
  if (buffer.byteLength < INDEX_FILE_HEADER_SIZE) return undefined;
  const header = Buffer.from(buffer, 0, INDEX_FILE_HEADER_SIZE);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (header.readUInt32LE(IndexFileField.version) !== INDEX_FILE_VERSION) return undefined;
  const counts = Object.fromEntries(
    countFields.map((name) => [name, header.readDoubleLE(IndexFileField[name])]),
  ) as unknown as LayerIndexCounts;
  const spanCount = header.readDoubleLE(IndexFileField.spans);
  const windowsLength = header.readDoubleLE(IndexFileField.windows);
  const isSane = [...countFields.map((name) => counts[name]), spanCount, windowsLength].every(
    (count) => Number.isInteger(count) && count >= 0 && count <= buffer.byteLength,
  );
  if (!isSane) return undefined;
  const spansAt = INDEX_FILE_HEADER_SIZE + layerIndexLength(counts);
  const length = spansAt + spanTableLength(spanCount, windowsLength);
  if (length !== buffer.byteLength || length !== header.readDoubleLE(IndexFileField.length)) return undefined;
  const sha256 = checksum(header, [new Uint8Array(buffer, INDEX_FILE_HEADER_SIZE)]);
  if (!sha256.equals(header.subarray(IndexFileField.sha256, IndexFileField.sha256 + 32))) return undefined;
  const flags = header.readUInt32LE(IndexFileField.flags);
  const digest = (flag: number, at: number): string | undefined =>
    (flags & flag) === 0 ? undefined : header.toString('hex', at, at + 32);
  return {
    index: viewLayerIndex(buffer, INDEX_FILE_HEADER_SIZE, counts),
    spans: viewSpanTable(buffer, spansAt, spanCount, windowsLength),
    tarSize: header.readDoubleLE(IndexFileField.tarSize),
    blobSha256: digest(Flag.blobSha256, IndexFileField.blobSha256),
    tarSha256: digest(Flag.tarSha256, IndexFileField.tarSha256),
    hasSpilled: (flags & Flag.hasSpilled) !== 0,
  };
}

/** The flags, and all behind the checksum. */
function checksum(header: Buffer, pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  hash.update(header.subarray(IndexFileField.flags, IndexFileField.sha256));
  hash.update(header.subarray(CHECKED_FROM));
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/**
 * Writes the file at once or not at all: beside its place, then renamed. It is not synced: one that a crash tears is
 * told by its checksum. Throws Node's own errors.
 */
export async function saveIndexFile(path: string, layer: IndexedLayer): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      for (const piece of encodeIndexFile(layer)) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The file's content; undefined where it is missing, or is not what `decodeIndexFile` takes. Throws Node's errors. */
export async function loadIndexFile(path: string): Promise<IndexedLayer | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    if (size < INDEX_FILE_HEADER_SIZE) return undefined;
    const buffer = new ArrayBuffer(size);
    const bytes = new Uint8Array(buffer);
    for (let filled = 0; filled < size;) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) return undefined;
      filled += bytesRead;
    }
    return decodeIndexFile(buffer);
  } finally {
    await file.close();
  }
}
