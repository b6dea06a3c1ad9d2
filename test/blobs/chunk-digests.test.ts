// A partly fetched blob whose chunks have digests: no wrong byte passes the gate.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PartialBlob } from '../../src/blobs/partial-blob.ts';
import type { RangeSource } from '../../src/blobs/range-source.ts';
import { CHUNK_SIZE } from '../../src/vfs/chunks.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'stratafs-chunk-digests-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const SIZE = 4 * CHUNK_SIZE + 777;
const content = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 2654435761) >>> 24));
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const key = { digest: `sha256:${sha256(content).toString('hex')}`, size: SIZE };
const chunkSha256 = Buffer.concat(
  Array.from({ length: 5 }, (_, i) => sha256(content.subarray(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE))),
);

/** A source that changes a bit of chunk 2 in the first `lies` requests for it. */
class LyingSource implements RangeSource {
  readonly knowsRanges = true;
  readonly requests: number[] = [];
  distrusted = 0;
  #lies: number;

  constructor(lies: number) {
    this.#lies = lies;
  }

  async *read(start: number, length: number): AsyncGenerator<Uint8Array> {
    this.requests.push(start);
    const bytes = Buffer.from(content.subarray(start, start + length));
    const at = 2 * CHUNK_SIZE + 5 - start;
    if (at >= 0 && at < length && this.#lies-- > 0) bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    for (let from = 0; from < length; from += 50_000) {
      await Promise.resolve();
      yield bytes.subarray(from, from + 50_000);
    }
  }

  distrust(): void {
    this.distrusted++;
  }
}

async function withBlob<T>(source: RangeSource, use: (blob: PartialBlob) => Promise<T>): Promise<T> {
  const blob = PartialBlob.open(directory, key, source, { chunkSha256 });
  try {
    return await use(blob);
  } finally {
    await blob.close();
  }
}

function bytesOf(blob: PartialBlob): Buffer {
  const bytes = Buffer.alloc(SIZE);
  fs.readSync(blob.fd, bytes, 0, SIZE, 0);
  return bytes;
}

test('a chunk that came wrong is fetched again, from another server if there is one', async () => {
  const source = new LyingSource(2);
  await withBlob(source, async (blob) => {
    await blob.have(0, SIZE);
    expect(bytesOf(blob).equals(content)).toBe(true);
    expect(source.requests).toEqual([0, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE]);
    expect(source.distrusted).toBe(2);
    await blob.complete();
    expect(blob.isWhole).toBe(true);
  });
});

/** Two servers, of which the first one lies. */
class TwoServers implements RangeSource {
  readonly knowsRanges = true;
  turn = 0;

  async *read(start: number, length: number): AsyncGenerator<Uint8Array> {
    const lies = this.turn % 2 === 0;
    await Promise.resolve();
    yield lies ? Buffer.alloc(length, 1) : content.subarray(start, start + length);
  }

  distrust(turn: number): void {
    if (turn === this.turn) this.turn++;
  }
}

test('requests that got wrong bytes at the same time go on to the next server once', async () => {
  const source = new TwoServers();
  await withBlob(source, async (blob) => {
    await Promise.all([
      blob.have(0, 1),
      blob.have(2 * CHUNK_SIZE, 1),
      blob.have(2 * CHUNK_SIZE, 1),
      blob.have(4 * CHUNK_SIZE, 1),
    ]);
    expect(source.turn).toBe(1);
    await blob.complete();
    expect(bytesOf(blob).equals(content)).toBe(true);
  });
});

test('a chunk that is always wrong is an error by its place, and the others are here', async () => {
  await withBlob(new LyingSource(Infinity), async (blob) => {
    await expect(blob.have(0, SIZE)).rejects.toThrow(
      `bytes ${2 * CHUNK_SIZE} to ${3 * CHUNK_SIZE} are not those that were indexed`,
    );
    expect(blob.have(0, 2 * CHUNK_SIZE)).toBeUndefined();
    await blob.have(3 * CHUNK_SIZE, SIZE);
    await expect(blob.have(2 * CHUNK_SIZE, 1)).rejects.toMatchObject({ code: 'ERR_STRATAFS_DIGEST' });
  });
});

test('chunks of an earlier run are verified before they are used, and fetched again if they are wrong', async () => {
  await withBlob(new LyingSource(0), (blob) => Promise.resolve(blob.have(0, SIZE)));
  const [name] = fs.readdirSync(directory);
  const fd = fs.openSync(join(directory, String(name)), 'r+');
  fs.writeSync(fd, 'x', 3 * CHUNK_SIZE + 1);
  fs.closeSync(fd);
  const source = new LyingSource(0);
  await withBlob(source, async (blob) => {
    expect(blob.arrivedBytes).toBe(SIZE);
    await Promise.all([Promise.resolve(blob.have(0, SIZE)), Promise.resolve(blob.have(0, SIZE))]);
    expect(source.requests).toEqual([3 * CHUNK_SIZE]);
    expect(blob.arrivedBytes).toBe(SIZE);
    expect(bytesOf(blob).equals(content)).toBe(true);
  });
});
