// ChunkStates: which chunks of a blob are here, and how many bytes that is.
import { CHUNK_DIGEST_SIZE, CHUNK_SIZE, chunkCount } from '../vfs/chunks.ts';

/** The states of a chunk. */
export const ChunkState = {
  missing: 0,
  /** An earlier run brought it, and there are digests to verify it with. */
  unverified: 1,
  here: 2,
} as const;

export class ChunkStates {
  readonly #size: number;
  readonly #sha256: Uint8Array | undefined;
  /** A ChunkState for each chunk. */
  readonly #states: Uint8Array;
  #arrivedBytes = 0;
  #forgotten = 0;

  /**
   * @param size bytes of the blob
   * @param sha256 of each chunk, one after the other; undefined: chunks are not verified
   */
  constructor(size: number, sha256: Uint8Array | undefined) {
    this.#size = size;
    this.#sha256 = sha256;
    this.#states = new Uint8Array(chunkCount(size));
  }

  /** True if chunks have digests. */
  get areVerified(): boolean {
    return this.#sha256 !== undefined;
  }

  /** Bytes that are here, verified or not, in whole chunks. */
  get arrivedBytes(): number {
    return this.#arrivedBytes;
  }

  /** Chunks that turned out to be wrong or were rejected, so far. Each may be written again. */
  get forgotten(): number {
    return this.#forgotten;
  }

  get(chunk: number): number {
    return this.#states[chunk] as number;
  }

  lengthOf(chunk: number): number {
    return Math.min(CHUNK_SIZE, this.#size - chunk * CHUNK_SIZE);
  }

  /** True if the chunk with this digest is the right one, as far as digests are known. */
  isRight(chunk: number, digest: Uint8Array): boolean {
    const expected = this.#sha256?.subarray(chunk * CHUNK_DIGEST_SIZE, (chunk + 1) * CHUNK_DIGEST_SIZE);
    return expected === undefined || Buffer.compare(expected, digest) === 0;
  }

  /** An earlier run left these chunks. */
  restore(has: (chunk: number) => boolean): void {
    const state = this.areVerified ? ChunkState.unverified : ChunkState.here;
    this.#states.forEach((_, chunk) => {
      if (has(chunk)) this.#add(chunk, state);
    });
  }

  /** A missing chunk has come. */
  arrive(chunk: number): void {
    this.#add(chunk, ChunkState.here);
  }

  /** An unverified chunk is right. */
  accept(chunk: number): void {
    this.#states[chunk] = ChunkState.here;
  }

  /** A chunk that came is wrong. */
  forget(chunk: number): void {
    this.#states[chunk] = ChunkState.missing;
    this.#arrivedBytes -= this.lengthOf(chunk);
    this.#forgotten++;
  }

  #add(chunk: number, state: number): void {
    this.#states[chunk] = state;
    this.#arrivedBytes += this.lengthOf(chunk);
  }
}
