// A layer that is filled while it is read, from a source that the test lets answer when it wants.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PartialBlob } from '../../src/blobs/partial-blob.ts';
import type { RangeSource } from '../../src/blobs/range-source.ts';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { LayerIndexBuilder } from '../../src/layer/index-builder.ts';
import type { IndexedLayer } from '../../src/layer/index-file.ts';
import { type PartialReader, canReadParts, openPartialLayer } from '../../src/layer/partial-layer.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { CHUNK_SIZE } from '../../src/vfs/chunks.ts';
import { memoryBlob } from './memory-blob.ts';

const CHUNKS = 800;
const SIZE = CHUNKS * CHUNK_SIZE;
const zeros = Buffer.alloc(SIZE);
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const hex = sha256(zeros).toString('hex');
const chunk = sha256(zeros.subarray(0, CHUNK_SIZE));

/** A plain layer of zeros. */
const indexed: IndexedLayer = {
  index: new LayerIndexBuilder('zeros').finish(),
  spans: {
    count: 0,
    plainOffset: Float64Array.of(SIZE),
    blobOffset: Float64Array.of(SIZE),
    bits: new Uint8Array(0),
    kind: new Uint8Array(0),
    windowOffset: new Uint32Array(1),
    crc32: new Uint32Array(0),
    windows: new Uint8Array(0),
  },
  tarSize: SIZE,
  blobSha256: hex,
  tarSha256: hex,
  hasSpilled: false,
  chunkSha256: Buffer.concat(Array.from({ length: CHUNKS }, () => chunk)),
};

/** Answers the requests that `answers` lets through; others wait until they are aborted. */
class HeldSource implements RangeSource {
  readonly knowsRanges = true;
  answers: (offset: number) => boolean = () => true;

  async *read(offset: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (!this.answers(offset)) {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
    yield await Promise.resolve(zeros.subarray(offset, offset + length));
  }
}

let directory: string;
let source: HeldSource;
let failures: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-partial-layer-'));
  source = new HeldSource();
  failures = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(whole = (): IndexedLayer => indexed): PartialReader {
  const { chunkSha256 } = indexed;
  const blob = PartialBlob.open(directory, { digest: `sha256:${hex}`, size: SIZE }, source, { chunkSha256 });
  const { reader } = openPartialLayer(blob, indexed, {
    ...{ label: 'layer 1', cache: new BlockCache(1 << 20) },
    verify: async (accept) => accept({ ...whole(), reader: memoryBlob(zeros) }),
  });
  reader.addUser({ onFailure: (text) => failures.push(text) });
  return reader;
}

test('a read does not wait for what is fetched ahead', async () => {
  source.answers = (offset) => offset > SIZE / 2;
  const reader = open();
  const filling = reader.fill();
  const result = await reader.read(SIZE - 10, 10);
  expect(result).toBeInstanceOf(FileRange);
  reader.close();
  await filling;
});

test('is whole after it was filled, and verified once', async () => {
  let verified = 0;
  const reader = open(() => ({ ...indexed, verified: ++verified }));
  await reader.fill();
  await reader.fill();
  expect([verified, reader.missingBytes, failures]).toEqual([1, 0, []]);
  reader.close();
});

test('answers EIO from then on if the whole layer has another index', async () => {
  const other = new LayerIndexBuilder('other').finish();
  other.mode[0] = 0o40700;
  const reader = open(() => ({ ...indexed, index: other }));
  expect(reader.read(0, 10)).toBeInstanceOf(Promise);
  await reader.fill();
  expect(failures).toEqual(['the index that was believed is not that of the layer']);
  expect([reader.read(0, 10), reader.isSourceChanged()]).toEqual([-EIO, true]);
  reader.close();
});

test('a read that waits ends with EIO when the layer is closed', async () => {
  source.answers = () => false;
  const reader = open();
  const result = reader.read(0, 10);
  reader.close();
  expect(await result).toBe(-EIO);
  expect(reader.read(0, 10)).toBe(-EIO);
});

test('can be read in parts only with the digests of its chunks, and with its own size and DiffID', () => {
  expect(canReadParts(indexed, SIZE, { diffId: `sha256:${hex}` })).toBe(true);
  expect(canReadParts(indexed, SIZE + 1, {})).toBe(false);
  expect(canReadParts(indexed, SIZE, { diffId: `sha256:${'0'.repeat(64)}` })).toBe(false);
  expect(canReadParts({ ...indexed, hasSpilled: true }, SIZE, {})).toBe(false);
  expect(canReadParts({ ...indexed, chunkSha256: new Uint8Array(0) }, SIZE, {})).toBe(false);
});

test('the parts that were read are listed, in whole chunks', async () => {
  const reader = open();
  for (const chunk of [0, 1, 5]) await reader.read(chunk * CHUNK_SIZE + 9, 10);
  expect(reader.readRanges).toEqual([
    { offset: 0, length: 2 * CHUNK_SIZE },
    { offset: 5 * CHUNK_SIZE, length: CHUNK_SIZE },
  ]);
  reader.close();
});

test('what a list names is fetched, and reads overtake it', async () => {
  const requested: number[] = [];
  source.answers = (offset) => {
    requested.push(offset / CHUNK_SIZE);
    return offset >= 700 * CHUNK_SIZE || offset < CHUNK_SIZE;
  };
  const reader = open();
  // Three requests for these wait for ever.
  reader.prefetch([100, 200, 300, 400, 500].map((at) => ({ offset: at * CHUNK_SIZE, length: CHUNK_SIZE })));
  expect(await reader.read(0, 5)).toBeInstanceOf(FileRange);
  expect(await reader.read(SIZE - 5, 5)).toBeInstanceOf(FileRange);
  expect(requested).toEqual([100, 200, 300, 0, CHUNKS - 1]);
  reader.close();
});

test('ranges of a list that are not in the layer are left out', async () => {
  const reader = open();
  const beyond = { offset: SIZE + 5, length: 10 };
  reader.prefetch([{ offset: SIZE - CHUNK_SIZE, length: 2 ** 40 }, beyond]);
  await vi.waitFor(() => expect(reader.missingBytes).toBe(SIZE - CHUNK_SIZE));
  expect(failures).toEqual([]);
  reader.close();
});
