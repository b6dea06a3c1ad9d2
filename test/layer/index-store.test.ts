import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LayerIndexBuilder } from '../../src/layer/index-builder.ts';
import type { IndexedLayer } from '../../src/layer/index-file.ts';
import { type BlobIdentity, IndexStore } from '../../src/layer/index-store.ts';
import { openCache } from './cache.ts';

const SHA = 'a'.repeat(64);
const identity: BlobIdentity = {
  device: 1n,
  inode: 2n,
  fileSize: 3n,
  mtimeNs: 4n,
  ctimeNs: 5n,
  offset: 6,
  length: 7,
};

const layer: IndexedLayer = {
  index: new LayerIndexBuilder('empty').finish(),
  spans: {
    count: 0,
    plainOffset: new Float64Array(1),
    blobOffset: new Float64Array(1),
    bits: new Uint8Array(0),
    kind: new Uint8Array(0),
    windowOffset: new Uint32Array(1),
    crc32: new Uint32Array(0),
    windows: new Uint8Array(0),
  },
  tarSize: 1024,
  blobSha256: SHA,
  tarSha256: SHA,
  hasSpilled: false,
  chunkSha256: new Uint8Array(0),
};

let directory: string;
let store: IndexStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-store-'));
  store = new IndexStore(openCache(join(directory, 'stratafs')));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('IndexStore', () => {
  it('answers what was saved, and nothing before', async () => {
    expect(await store.loadIndex(SHA)).toBeUndefined();
    await store.saveIndex(SHA, layer);
    expect((await store.loadIndex(SHA))?.tarSize).toBe(layer.tarSize);
    expect(await store.loadBlob(SHA)).toMatchObject({
      tarSize: layer.tarSize,
      blobSha256: SHA,
      tarSha256: SHA,
    });
  });

  it('does not answer an index that is of another blob', async () => {
    await store.saveIndex(SHA, { ...layer, blobSha256: 'b'.repeat(64) });
    expect(await store.loadIndex(SHA)).toBeUndefined();
    expect(await store.loadBlob(SHA)).toBeUndefined();
  });

  it('makes its directory for the owner alone, and leaves no drafts', async () => {
    await store.saveIndex(SHA, layer);
    expect(statSync(store.directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(store.directory, 'indexes'))).toEqual([`${SHA}.idx`]);
  });

  it('knows the digest of the very same bytes only', () => {
    store.setVerifiedDigest(identity, SHA);
    expect(store.verifiedDigest(identity)).toBe(SHA);
    for (const change of ['device', 'inode', 'fileSize', 'mtimeNs', 'ctimeNs'] as const) {
      expect(store.verifiedDigest({ ...identity, [change]: 99n })).toBeUndefined();
    }
    expect(store.verifiedDigest({ ...identity, offset: 512 })).toBeUndefined();
  });

  it('does not believe a digest that is none', () => {
    store.setVerifiedDigest(identity, '../../etc/passwd');
    expect(store.verifiedDigest(identity)).toBeUndefined();
  });

  it('works where mkdir says ENOENT, as in procfs: nothing is kept or fails', async () => {
    const nowhere = new IndexStore(openCache('/proc/cache/stratafs'));
    await nowhere.saveIndex(SHA, layer);
    nowhere.setVerifiedDigest(identity, SHA);
    expect([
      await nowhere.loadIndex(SHA),
      await nowhere.loadBlob(SHA),
      nowhere.plainDirectory(),
      nowhere.openPlain(SHA, 1),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });
});
