import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { fstatSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { openSpanReader, storedInFile } from '../../src/layer/open-span-reader.ts';
import { fileStateOf } from '../../src/sys/file-state.ts';
import type { SpanTable } from '../../src/sys/scan.ts';
import { type BlobReader, FileRange } from '../../src/vfs/blob-reader.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { describeWith } from '../requirements.ts';
import { runScan } from '../sys/run-scan.ts';
import { tarMember } from '../sys/tar-bytes.ts';

let directory: string;
let plain: Buffer;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-spans-'));
  // Matches reach 32 KiB back, so over every checkpoint.
  const page = randomBytes(30_000);
  const parts: Buffer[] = [];
  for (let i = 0; i < 200; i++) parts.push(page, randomBytes(500), Buffer.from(`line ${i}\n`.repeat(300)));
  plain = tarMember({}, Buffer.concat(parts));
});
afterAll(() => rmSync(directory, { recursive: true }));

const OFFSET = 12_345;

/** Scans `blob` where it lies inside a file, and opens it. */
async function open(blob: Buffer, compression: 'gzip' | 'zstd', spanSize = 256 << 10) {
  const path = join(directory, 'archive');
  writeFileSync(path, Buffer.concat([randomBytes(OFFSET), blob, randomBytes(100)]));
  const range = { offset: OFFSET, length: blob.length };
  const { spans } = (await runScan(path, compression, { ...range, spanSize })).result;
  return { path, spans, reader: reopen(path, range, spans) };
}

function reopen(path: string, range: { offset: number; length: number }, spans: SpanTable): BlobReader {
  const fd = openSync(path, 'r');
  const state = fileStateOf(fstatSync(fd, { bigint: true }));
  const stored = storedInFile(fd, { path, ...range }, state);
  return openSpanReader(stored, spans, new BlockCache(2 << 20), undefined);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function expectSame(reader: BlobReader, offset: number, length: number): Promise<void> {
  const bytes = await reader.read(offset, length);
  if (typeof bytes === 'number' || bytes instanceof FileRange) expect.fail('no bytes');
  expect(sha256(bytes), `${length} at ${offset}`).toBe(sha256(plain.subarray(offset, offset + length)));
}

async function check(blob: Buffer, compression: 'gzip' | 'zstd'): Promise<void> {
  const { reader, spans } = await open(blob, compression);
  expect(spans.count).toBeGreaterThan(8);
  expect(reader.size).toBe(plain.length);
  for (let i = 0; i < 150; i++) {
    const offset = (i * 7_919_993) % plain.length;
    await expectSame(reader, offset, (i * 104_729) % 400_000);
  }
  for (let i = spans.count; i > 0; i--) await expectSame(reader, (spans.plainOffset[i] as number) - 1, 2);
  reader.close();
}

const pieces = (size: number): Buffer[] =>
  Array.from({ length: Math.ceil(plain.length / size) }, (_, i) => plain.subarray(i * size, (i + 1) * size));

describe('a gzip layer reads the same at any offset', () => {
  it.each([1, 6, 9])('of level %i', async (level) => {
    await check(gzipSync(plain, { level }), 'gzip');
  });

  it('of stored blocks', async () => {
    await check(gzipSync(plain, { level: 0 }), 'gzip');
  });

  it('of members that end within spans', async () => {
    await check(Buffer.concat(pieces(70_001).map((piece) => gzipSync(piece))), 'gzip');
    await check(Buffer.concat(pieces(999).map((piece) => gzipSync(piece, { level: 1 }))), 'gzip');
  });

  it('with junk after its last member', async () => {
    await check(Buffer.concat([gzipSync(plain), Buffer.alloc(1000)]), 'gzip');
  });
});

describeWith([{ program: 'zstd' }], 'a zstd layer reads the same at any offset', () => {
  const compress = (bytes: Uint8Array, ...args: string[]) =>
    execFileSync('zstd', ['-qc', ...args], { input: bytes, maxBuffer: 1 << 28 });

  it('of many frames, with skippable ones and a long window', async () => {
    const skippable = Buffer.from('502a4d1803000000616263', 'hex');
    const frames = pieces(300_000).map((piece) => compress(piece, '--long=27'));
    await check(Buffer.concat(frames.flatMap((frame) => [skippable, frame])), 'zstd');
  });

  it('where a flipped bit is found by the checksum of its frame', async () => {
    const frames = pieces(300_000).map((piece) => compress(piece));
    const blob = Buffer.concat(frames);
    const { path, spans } = await open(blob, 'zstd');
    const bad = Buffer.from(blob);
    const at = (frames[0] as Buffer).length - 10_000;
    bad[at] = (bad[at] as number) ^ 1;
    writeFileSync(path, bad);
    const reader = reopen(path, { offset: 0, length: blob.length }, spans);
    expect(await reader.read(0, 10)).toBe(-EIO);
    await expectSame(reader, 400_000, 10);
    reader.close();
  });
});

describe('a gzip layer that was changed since it was scanned', () => {
  it('answers EIO wherever a span decompresses to other bytes, or to none', async () => {
    const blob = gzipSync(plain);
    const { path, spans, reader } = await open(blob, 'gzip');
    reader.close();
    for (let i = 0; i < 60; i++) {
      const bad = Buffer.from(blob);
      // A bit in every 2,000 bytes: each span has many.
      for (let at = i * 30; at < bad.length; at += 2000) bad[at] = (bad[at] as number) ^ (1 << (i & 7));
      writeFileSync(path, Buffer.concat([Buffer.alloc(OFFSET), bad]));
      const changed = reopen(path, { offset: OFFSET, length: bad.length }, spans);
      expect(await changed.read((i * 7_919_993) % plain.length, 1)).toBe(-EIO);
      changed.close();
    }
  });

  it('answers EIO where it was truncated, once for each that asks, and keeps no failure', async () => {
    const { path, reader } = await open(gzipSync(plain), 'gzip');
    truncateSync(path, OFFSET + 1000);
    expect(await Promise.all([reader.read(500_000, 10), reader.read(500_001, 10)])).toEqual([-EIO, -EIO]);
    reader.close();
  });
});

it('a reader that is closed while it decodes ends the read first', async () => {
  const { reader } = await open(gzipSync(plain), 'gzip');
  const reading = reader.read(1_000_000, 100);
  reader.close();
  expect(Buffer.from((await reading) as Uint8Array)).toEqual(plain.subarray(1_000_000, 1_000_100));
  expect(reader.read(0, 1)).toBe(-EIO);
});
