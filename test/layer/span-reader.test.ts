import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Block, BlockCache } from '../../src/cache/block-cache.ts';
import { SpanReader } from '../../src/layer/span-reader.ts';
import { SpanKind, type SpanTable } from '../../src/sys/scan.ts';
import { FileRange, type ReadResult } from '../../src/vfs/blob-reader.ts';

const plain = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
const directory = mkdtempSync(join(tmpdir(), 'stratafs-span-'));
const spill = join(directory, 'spill');
writeFileSync(spill, plain);
afterAll(() => rmSync(directory, { recursive: true }));

function spans(ends: readonly number[], kinds: readonly number[]): SpanTable {
  return {
    count: kinds.length,
    plainOffset: Float64Array.from([0, ...ends]),
    blobOffset: new Float64Array(kinds.length + 1),
    bits: new Uint8Array(kinds.length),
    kind: Uint8Array.from(kinds),
    windowOffset: new Uint32Array(kinds.length + 1),
    crc32: new Uint32Array(kinds.length),
    windows: new Uint8Array(0),
  };
}

const { inflate, spill: spilled } = SpanKind;

function open(table: SpanTable, cacheSize = 1000): { reader: SpanReader; decoded: number[] } {
  const decoded: number[] = [];
  const decode = (span: number): Promise<Block> => {
    decoded.push(span);
    return Promise.resolve(plain.subarray(table.plainOffset[span], table.plainOffset[span + 1]));
  };
  const hasSpill = table.kind.includes(spilled);
  const blocks = new BlockCache(cacheSize).newOwner();
  const reader = new SpanReader(
    table,
    blocks,
    decode,
    () => undefined,
    hasSpill ? openSync(spill, 'r') : undefined,
    () => false,
  );
  return { reader, decoded };
}

const bytes = (result: ReadResult): Buffer =>
  result instanceof Uint8Array ? Buffer.from(result) : expect.fail('not bytes');

describe('SpanReader', () => {
  it('reads any range, within a span, over several, and short at the end', async () => {
    const { reader } = open(spans([10, 30, 31, 100], [inflate, inflate, inflate, inflate]));
    for (let offset = 0; offset <= 100; offset += 3) {
      for (const length of [1, 7, 25, 200]) {
        expect(bytes(await reader.read(offset, length))).toEqual(plain.subarray(offset, offset + length));
      }
    }
    reader.close();
  });

  it('answers at once, without a copy, what the cache has', async () => {
    const { reader } = open(spans([50, 100], [inflate, inflate]));
    await reader.read(0, 10);
    const again = reader.read(2, 5);
    expect(again).toBeInstanceOf(Uint8Array);
    expect((again as Uint8Array).buffer).toBe(plain.buffer);
    reader.close();
  });

  it('decompresses the next span ahead when read sequentially, and only then', async () => {
    const kinds = Array.from({ length: 10 }, () => inflate);
    const table = spans([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], kinds);
    const sequential = open(table);
    await sequential.reader.read(0, 5);
    await sequential.reader.read(12, 5);
    expect(sequential.decoded).toEqual([0, 1, 2]);
    const random = open(table);
    await random.reader.read(55, 1);
    await random.reader.read(5, 1);
    await random.reader.read(85, 1);
    expect(random.decoded).toEqual([5, 0, 8]);
    const tight = open(table, 30);
    await tight.reader.read(0, 5);
    expect(tight.decoded).toEqual([0]);
  });

  it('answers what was spilled as a range of the spill file, and joins over its borders', async () => {
    const { reader, decoded } = open(spans([10, 60, 100], [inflate, spilled, inflate]));
    const range = reader.read(20, 30);
    expect(range).toBeInstanceOf(FileRange);
    expect(range).toMatchObject({ position: 20, length: 30 });
    expect(decoded).toEqual([]);
    expect(bytes(await reader.read(5, 90))).toEqual(plain.subarray(5, 95));
    reader.close();
  });

  it('passes a failed span on as its errno', async () => {
    const table = spans([50, 100], [inflate, inflate]);
    const reader = new SpanReader(
      table,
      new BlockCache(1000).newOwner(),
      () => Promise.resolve(-5),
      () => undefined,
      undefined,
      () => false,
    );
    expect(await reader.read(0, 10)).toBe(-5);
    expect(await reader.read(45, 10)).toBe(-5);
    reader.close();
    expect(reader.read(0, 1)).toBe(-5);
  });
});
