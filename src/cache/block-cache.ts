// BlockCache: an LRU cache of decompressed blocks, bounded in bytes.
//
// Concurrent readers of one block share one fetch. If a fetch fails (a negative errno, or a rejection), all of them get
// the failure, and nothing is cached.
import { LRUCache } from 'lru-cache';

/** What the cache of decompressed blocks holds and has answered. */
export interface CacheStatistics {
  /** Blocks that were in memory, or that another fetch was already bringing. */
  readonly hits: number;
  /** Fetches started, read-ahead included. */
  readonly misses: number;
  /** Bytes held now, and the bound. */
  readonly bytes: number;
  readonly maxBytes: number;
}

/** A block, or a negative errno. */
export type Block = Uint8Array | number;

export class BlockCache {
  readonly maxBytes: number;
  readonly #blocks: LRUCache<number, Uint8Array>;
  readonly #fetches = new Map<number, Promise<Block>>();
  #owners = 0;
  #hits = 0;
  #misses = 0;

  /** @param maxBytes at least 1; a larger block is returned without being cached */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.#blocks = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (block) => Math.max(1, block.byteLength),
    });
  }

  /** Gives a user of the cache its own space of keys, 0 to 2^32 - 1. */
  newOwner(): BlockOwner {
    return new BlockOwner(this, this.#owners++);
  }

  /** The block of `key`: immediately if it is in memory, else as a promise of what `fetch` brings. */
  get(key: number, fetch: () => Promise<Block>): Uint8Array | Promise<Block> {
    const block = this.#blocks.get(key);
    if (block !== undefined) {
      this.#hits++;
      return block;
    }
    const underWay = this.#fetches.get(key);
    if (underWay !== undefined) {
      this.#hits++;
      return underWay;
    }
    this.#misses++;
    const fetched = this.#fetch(key, fetch);
    this.#fetches.set(key, fetched);
    return fetched;
  }

  /** True if `key` is in memory or being fetched. */
  knows(key: number): boolean {
    return this.#fetches.has(key) || this.#blocks.has(key);
  }

  statistics(): CacheStatistics {
    return {
      hits: this.#hits,
      misses: this.#misses,
      bytes: this.#blocks.calculatedSize,
      maxBytes: this.maxBytes,
    };
  }

  async #fetch(key: number, fetch: () => Promise<Block>): Promise<Block> {
    try {
      const block = await fetch();
      if (typeof block !== 'number') this.#blocks.set(key, block);
      return block;
    } finally {
      this.#fetches.delete(key);
    }
  }
}

/** One user's view of a BlockCache. */
export class BlockOwner {
  readonly #cache: BlockCache;
  readonly #base: number;

  constructor(cache: BlockCache, number: number) {
    this.#cache = cache;
    this.#base = number * 2 ** 32;
  }

  get(block: number, fetch: () => Promise<Block>): Uint8Array | Promise<Block> {
    return this.#cache.get(this.#base + block, fetch);
  }

  /** Starts to fetch `block`, unless it is cached, or `room` blocks of `size` bytes would exceed the cache. */
  prefetch(block: number, fetch: () => Promise<Block>, size: number, room: number): void {
    const key = this.#base + block;
    if (this.#cache.knows(key) || size * room > this.#cache.maxBytes) return;
    // Nobody waits for this fetch. A failure isn't cached, so a reader that needs the block tries again.
    Promise.resolve(this.#cache.get(key, fetch)).catch(() => undefined);
  }
}
