// zstd:chunked: a zstd layer whose files were compressed one by one, with a table of contents in a skippable frame at its end
// (containers/storage, pkg/chunked; stargz-snapshotter writes it, too).
//
// The manifest of the image states the place of the table and the digest of its compressed bytes, so that it may be believed.
// The footer of the blob says the same, and is not read.
import { createHash } from 'node:crypto';
import type { MemberIndex } from '../layer/member-spans.ts';
import { SpanKind } from '../sys/scan.ts';
import { InputError } from '../vfs/input-error.ts';
import { damaged } from './estargz.ts';
import { TOC_LIMIT, readToc } from './toc-index.ts';

/** The prefixes of annotations of a layer: that of containers/storage, and of stargz-snapshotter and older programs. */
const PREFIXES = ['io.github.containers.zstd-chunked.', 'io.containers.zstd-chunked.'];

/** Magic number and length of a skippable frame. */
const FRAME_HEADER_SIZE = 8;

/** The place of a table. */
export interface ChunkedPosition {
  readonly offset: number;
  readonly length: number;
  /** Uncompressed bytes. */
  readonly rawLength: number;
  /** `sha256:<hex>` of the compressed bytes. */
  readonly digest: string;
}

/** The bytes of a blob, from wherever they come. */
export interface ChunkedSource {
  readonly size: number;
  readonly read: (offset: number, length: number) => Promise<Buffer>;
  /** The zstd frame there, which has `rawLength` bytes when it is decompressed; undefined if it hasn't. */
  readonly unpack: (offset: number, length: number, rawLength: number) => Promise<Buffer | undefined>;
}

/** The place that the annotations of a layer state; undefined if they state none of a known type. */
export function chunkedPositionOf(annotations: ReadonlyMap<string, string>): ChunkedPosition | undefined {
  for (const prefix of PREFIXES) {
    const position = annotations.get(`${prefix}manifest-position`);
    const [, offset, length, rawLength] = /^(\d{1,15}):(\d{1,15}):(\d{1,15}):1$/.exec(position ?? '') ?? [];
    const digest = annotations.get(`${prefix}manifest-checksum`);
    if (offset === undefined || digest === undefined) continue;
    return { offset: Number(offset), length: Number(length), rawLength: Number(rawLength), digest };
  }
  return undefined;
}

/** The index of the layer. Throws InputError as `readEstargz`. */
export async function readZstdChunked(
  source: ChunkedSource,
  { offset, length, rawLength, digest }: ChunkedPosition,
): Promise<MemberIndex> {
  const where = 'the zstd:chunked table';
  if (length > TOC_LIMIT || rawLength > TOC_LIMIT) {
    throw new InputError(`${where}: found a table of ${length} bytes, and ${rawLength} uncompressed`);
  }
  if (offset < FRAME_HEADER_SIZE || length === 0 || offset + length > source.size) {
    throw new InputError(`${where}: found a place out of the layer`);
  }
  const compressed = await source.read(offset, length);
  const actual = `sha256:${createHash('sha256').update(compressed).digest('hex')}`;
  if (actual !== digest) throw damaged(`${where}: found a table of ${actual}, expected ${digest}`);
  const json = await source.unpack(offset, length, rawLength);
  if (json === undefined)
    throw new InputError(`${where}: found something else than ${rawLength} bytes of zstd`);
  return readToc(json, { end: offset - FRAME_HEADER_SIZE, kind: SpanKind.zstd, where });
}
