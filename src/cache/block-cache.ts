// BlockCache: decompressed blocks, bounded by bytes, least recently used first out; one fetch a block.
//
// However many ask for a block that is being fetched, it is fetched once. A fetch that fails (a negative errno, or
// a rejection) is told to all who wait for it and not kept.
import { LRUCache } from 'lru-cache';

export interface CacheStatistics {
  /** Blocks answered from memory, or by a fetch that was under way already. */
  readonly hits: number;
  /** Fetches begun, read-ahead included. */
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

  /** @param maxBytes at least 1; a block larger than that is passed on and not kept */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.#blocks = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (block) => Math.max(1, block.byteLength),
    });
  }

  /** A number space of its own for a user of the cache: its keys are 0 to 2^32 - 1. */
  newOwner(): BlockOwner {
    return new BlockOwner(this, this.#owners++);
  }

  /** The block of `key`: at once where it is in memory, else when `fetch` has it. */
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

  /** Whether `key` is in memory or being fetched. */
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

/** One user's view on a BlockCache. */
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

  /** Begins to fetch `block` where `room` blocks of `size` bytes would fit the cache and nobody has it yet. */
  prefetch(block: number, fetch: () => Promise<Block>, size: number, room: number): void {
    const key = this.#base + block;
    if (this.#cache.knows(key) || size * room > this.#cache.maxBytes) return;
    // Whoever asks for the block later meets the same failure; here nobody waits for it.
    Promise.resolve(this.#cache.get(key, fetch)).catch(() => undefined);
  }
}
