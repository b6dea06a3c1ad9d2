import { describe, expect, it } from 'vitest';
import { type Block, BlockCache } from '../../src/cache/block-cache.ts';

const block = (size: number, fill: number): Uint8Array => new Uint8Array(size).fill(fill);

describe('BlockCache', () => {
  it('answers a cached block without a promise', async () => {
    const owner = new BlockCache(100).newOwner();
    await owner.get(1, () => Promise.resolve(block(10, 7)));
    const again = owner.get(1, () => Promise.reject(new Error('fetched twice')));
    expect(again).toEqual(block(10, 7));
  });

  it('fetches a block once for concurrent readers', async () => {
    const cache = new BlockCache(100);
    const owner = cache.newOwner();
    let count = 0;
    const fetch = (): Promise<Block> => {
      count++;
      return Promise.resolve(block(10, 1));
    };
    const blocks = await Promise.all([1, 1, 1].map(async (key) => owner.get(key, fetch)));
    expect([count, new Set(blocks).size]).toEqual([1, 1]);
    expect(cache.statistics()).toEqual({ hits: 2, misses: 1, bytes: 10, maxBytes: 100 });
  });

  it('reports a failed fetch to all its readers and caches nothing', async () => {
    const owner = new BlockCache(100).newOwner();
    const failing = [-5, -6].map(async (errno) => owner.get(1, () => Promise.resolve(errno)));
    expect(await Promise.all(failing)).toEqual([-5, -5]);
    await expect(owner.get(1, () => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
    expect(await owner.get(1, () => Promise.resolve(block(3, 9)))).toEqual(block(3, 9));
  });

  it('stays within its bound and evicts the least recently used block', async () => {
    const cache = new BlockCache(30);
    const owner = cache.newOwner();
    for (const key of [1, 2, 3]) await owner.get(key, () => Promise.resolve(block(10, key)));
    await owner.get(1, () => Promise.resolve(-5));
    await owner.get(4, () => Promise.resolve(block(10, 4)));
    expect(cache.statistics().bytes).toBe(30);
    expect(await owner.get(2, () => Promise.resolve(-5))).toBe(-5);
    expect(owner.get(1, () => Promise.resolve(-5))).toEqual(block(10, 1));
  });

  it('returns a block larger than its bound without caching it', async () => {
    const cache = new BlockCache(30);
    expect(await cache.newOwner().get(1, () => Promise.resolve(block(31, 1)))).toHaveLength(31);
    expect(cache.statistics().bytes).toBe(0);
  });

  it('separates the blocks of its users', async () => {
    const cache = new BlockCache(100);
    const [a, b] = [cache.newOwner(), cache.newOwner()];
    await a.get(1, () => Promise.resolve(block(1, 1)));
    expect(await b.get(1, () => Promise.resolve(block(1, 2)))).toEqual(block(1, 2));
  });

  it('prefetches only a block that is missing, and only if there is room', async () => {
    const cache = new BlockCache(30);
    const owner = cache.newOwner();
    owner.prefetch(1, () => Promise.resolve(block(10, 1)), 10, 4);
    expect(cache.statistics().misses).toBe(0);
    owner.prefetch(1, () => Promise.resolve(block(10, 1)), 10, 3);
    owner.prefetch(1, () => Promise.reject(new Error('fetched twice')), 10, 3);
    expect(await owner.get(1, () => Promise.resolve(-5))).toEqual(block(10, 1));
    owner.prefetch(2, () => Promise.reject(new Error('nobody waits')), 10, 3);
    expect(cache.statistics().misses).toBe(2);
  });
});
