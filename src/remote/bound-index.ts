// Indexes that the manifest of an image names for a layer: whoever vouches for the manifest vouches for them.
//
// They lie in the layer itself, so their bytes come through its partial blob, and are there when the rest is fetched.
import createDebug from 'debug';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import { ESTARGZ_ANNOTATION, readEstargz } from '../index-source/estargz.ts';
import { type ChunkedSource, chunkedPositionOf, readZstdChunked } from '../index-source/zstd-chunked.ts';
import type { LoadedIndex } from '../image/image.ts';
import type { MemberIndex } from '../layer/member-spans.ts';
import { SpanKind } from '../sys/scan.ts';
import { readMembers } from '../sys/span-reader.ts';
import { isDigest } from '../vfs/image-names.ts';
import { InputError } from '../vfs/input-error.ts';

const debug = createDebug('stratafs:registry');
const readAt = promisify(read);

/** Readings of an index whose bytes are wrong each time. */
const MAX_ROUNDS = 3;

/** An index that the annotations of a layer name. */
export interface BoundIndex {
  /** As RegistryIndex.id. */
  readonly id: string;
  /** Throws InputError as `readEstargz`. */
  read(source: ChunkedSource): Promise<MemberIndex>;
}

/** Undefined if the annotations name none. */
export function boundIndexOf(annotations: ReadonlyMap<string, string>): BoundIndex | undefined {
  // stargz-snapshotter adds the annotation of eStargz to zstd:chunked, too.
  const position = chunkedPositionOf(annotations);
  if (position !== undefined) {
    const { offset, length, rawLength, digest } = position;
    return {
      id: `zstd:chunked ${offset} ${length} ${rawLength} ${digest}`,
      read: (source) => readZstdChunked(source, position),
    };
  }
  const digest = annotations.get(ESTARGZ_ANNOTATION);
  if (digest === undefined || !isDigest(digest)) return undefined;
  return { id: `eStargz ${digest}`, read: ({ read, size }) => readEstargz(read, size, digest) };
}

/**
 * The index that lies in `blob`, which gets its bytes from `source`, and is closed. Undefined if it can't be used, or its
 * bytes can't be had. Rejects with the reason of the signal when aborted.
 */
export async function loadBoundIndex(
  blob: PartialBlob,
  source: RangeSource,
  bound: BoundIndex,
  signal?: AbortSignal,
): Promise<LoadedIndex | undefined> {
  const stop = (): void => blob.stop();
  signal?.addEventListener('abort', stop);
  const removeSource = blob.addSource(source);
  try {
    signal?.throwIfAborted();
    return { kind: 'members', members: await readInRounds(blob, bound) };
  } catch (error) {
    signal?.throwIfAborted();
    // The layer can be had without it.
    if (!(error instanceof InputError)) throw error;
    debug('%s: %s', blob.key.digest, error.message);
    return undefined;
  } finally {
    signal?.removeEventListener('abort', stop);
    removeSource();
    await blob.close();
  }
}

async function readInRounds(blob: PartialBlob, bound: BoundIndex): Promise<MemberIndex> {
  for (let round = 1; ; round++) {
    const { turn } = blob;
    const ranges: { readonly offset: number; readonly length: number }[] = [];
    try {
      return await bound.read({
        size: blob.key.size,
        read: (offset, length) => {
          ranges.push({ offset, length });
          return readRange(blob, offset, length);
        },
        unpack: (offset, length, rawLength) => unpack(blob, offset, length, rawLength),
      });
    } catch (error) {
      if (!(error instanceof InputError) || error.code !== 'ERR_STRATAFS_DIGEST') throw error;
      for (const { offset, length } of ranges) blob.reject(offset, length, turn);
      if (round === MAX_ROUNDS) throw error;
    }
  }
}

async function readRange(blob: PartialBlob, offset: number, length: number): Promise<Buffer> {
  await blob.have(offset, length);
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await readAt(blob.fd, bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

/** The text of a zstd frame that is here. */
async function unpack(
  { fd }: PartialBlob,
  offset: number,
  length: number,
  rawLength: number,
): Promise<Buffer | undefined> {
  const text = Buffer.allocUnsafeSlow(rawLength);
  const filled = await readMembers(fd, offset, length, SpanKind.zstd, new Uint8Array(0), text);
  return filled === rawLength ? text : undefined;
}
