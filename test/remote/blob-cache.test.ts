// Blobs in the cache directory, and in unnamed files without one.
import { randomBytes } from 'node:crypto';
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PartialBlob } from '../../src/blobs/partial-blob.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import type { RemoteBlob } from '../../src/registry/blob-ranges.ts';
import { BlobCache } from '../../src/remote/blob-cache.ts';
import { digestOf } from '../registry/fake-registry.ts';

let scratch: string;
let directory: CacheDirectory | undefined;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'stratafs-blob-cache-'));
  directory = CacheDirectory.open(join(scratch, 'cache'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function remote(bytes: Buffer, size = bytes.length): RemoteBlob {
  return {
    ...{ digest: digestOf(bytes), size, knowsRanges: true, turn: 0 },
    distrust: () => undefined,
    async *read(offset, length) {
      yield await Promise.resolve(Buffer.from(bytes.subarray(offset, offset + length)));
    },
  };
}

const blobs = (): string[] => readdirSync(join(scratch, 'cache/blobs')).sort();
const nameOf = (bytes: Buffer, suffix = 'blob'): string => `${digestOf(bytes).slice(7)}.${suffix}`;

describe('the folder', () => {
  it('keeps what this process uses beyond its limit, and drops the oldest of the rest', async () => {
    const [old, first, second] = [1, 2, 3].map(() => randomBytes(100_000)) as [Buffer, Buffer, Buffer];
    await new BlobCache(directory).fetch(remote(old), 'x');
    utimesSync(join(scratch, 'cache/blobs', nameOf(old)), 1, 1);
    const cache = new BlobCache(directory, 1);
    cache.placeOf(digestOf(first), first.length);
    await cache.fetch(remote(first), 'x');
    await cache.fetch(remote(second), 'x');
    expect(blobs()).toEqual([nameOf(first), nameOf(second)].sort());
  });

  it('keeps a part that somebody fetches into, and drops one that nobody does', async () => {
    const [fetching, left, whole] = [1, 2, 3].map(() => randomBytes(600_000)) as [Buffer, Buffer, Buffer];
    const folder = directory?.makeFolder('blobs') ?? expect.fail('no folder');
    const open = (bytes: Buffer): PartialBlob => PartialBlob.open(folder, remote(bytes), remote(bytes));
    const busy = open(fetching);
    await busy.have(0, 1);
    const ended = open(left);
    await ended.have(0, 1);
    await ended.close();
    await new BlobCache(directory, 1).fetch(remote(whole), 'x');
    expect(blobs()).toEqual([nameOf(fetching, 'part'), nameOf(whole)].sort());
    await busy.close();
  });

  it('saves a document again that a crash has torn', async () => {
    const bytes = randomBytes(5000);
    const cache = new BlobCache(directory);
    const { path, isCopy } = await cache.save(digestOf(bytes), bytes);
    expect(isCopy).toBe(true);
    writeFileSync(path, Buffer.alloc(bytes.length));
    await cache.save(digestOf(bytes), bytes);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });
});

describe('without a folder', () => {
  const unnamed = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return /\/stratafs\.\d+\..*\.draft \(deleted\)$/.test(readlinkSync(`/proc/self/fd/${fd}`));
      } catch {
        return false; // ENOENT: the descriptor of this listing
      }
    }).length;

  it('blobs are unnamed files, which close ends', async () => {
    const bytes = randomBytes(5000);
    const cache = new BlobCache(undefined);
    const before = unnamed();
    const { path } = cache.placeOf(digestOf(bytes), bytes.length);
    await cache.fetch(remote(bytes), 'x');
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(unnamed()).toBe(before + 1);
    cache.close();
    expect(unnamed()).toBe(before);
  });

  it('a blob that the disk has no room for is refused', async () => {
    const cache = new BlobCache(undefined);
    const bytes = randomBytes(10);
    await expect(cache.fetch(remote(bytes, 2 ** 52), 'x')).rejects.toThrow(
      /has room for \d+ bytes, .* TMPDIR names/,
    );
    cache.close();
  });
});
