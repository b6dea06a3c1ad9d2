// Chunks: the equal parts of a blob's stored bytes. What comes from elsewhere is fetched, recorded and verified by chunks.

/** Bytes of a chunk; native/addon/chunk_digests.h has the same. The last chunk of a blob may be shorter. */
export const CHUNK_SIZE = 64 << 10;

/** Bytes of the digest of a chunk. */
export const CHUNK_DIGEST_SIZE = 32;

/** The number of chunks of a blob of `size` bytes. */
export const chunkCount = (size: number): number => Math.ceil(size / CHUNK_SIZE);

/** The chunks that bytes `offset` to `offset + length` lie in: the first one, and the one after the last. */
export function chunksOf(offset: number, length: number): { readonly first: number; readonly end: number } {
  return { first: Math.floor(offset / CHUNK_SIZE), end: Math.ceil((offset + length) / CHUNK_SIZE) };
}
