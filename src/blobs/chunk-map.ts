// ChunkMap: which chunks of a partly fetched blob have arrived. It lies at the end of the blob's own sparse file.
//
// A chunk is recorded only after its bytes are on the disk, so that the map never claims bytes that a loss of power has
// taken. A file without a map of this blob is begun again: the chunks are then fetched once more.
import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { CHUNK_SIZE, chunkCount } from '../vfs/chunks.ts';

/**
 * The map begins at the blob's size, rounded up to 4096: this header, then one byte for each chunk (1: arrived). The
 * file ends there. Numbers are little-endian.
 * | offset | size | meaning                  |
 * | ---    | ---  | ---                      |
 * | 0      | 8    | "SFSCHUNK"               |
 * | 8      | 4    | version: 1               |
 * | 12     | 4    | bytes of a chunk         |
 * | 16     | 8    | size of the blob in bytes|
 * | 24     | 32   | sha256 of the whole blob |
 */
export const CHUNK_MAP_LAYOUT = {
  magic: 0,
  version: 8,
  chunkSize: 12,
  blobSize: 16,
  sha256: 24,
  end: 56,
} as const;

const MAGIC = Buffer.from('SFSCHUNK', 'latin1');
const VERSION = 1;
const ARRIVED = 1;
const ALIGNMENT = 4096;

/** What identifies a blob. */
export interface BlobKey {
  /** `sha256:<hex>` of all its bytes. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

export class ChunkMap {
  readonly #fd: number;
  readonly #start: number;
  readonly #recorded: Uint8Array;

  private constructor(fd: number, start: number, recorded: Uint8Array) {
    this.#fd = fd;
    this.#start = start;
    this.#recorded = recorded;
  }

  /** The map of the file, which the caller owns. A file without a map of `blob` is emptied. Throws Node's errors. */
  static open(fd: number, blob: BlobKey): ChunkMap {
    const start = Math.ceil(blob.size / ALIGNMENT) * ALIGNMENT;
    const header = headerOf(blob);
    const count = chunkCount(blob.size);
    const stored = readWhole(fd, start, header.length + count);
    if (stored?.subarray(0, header.length).equals(header) === true) {
      return new ChunkMap(fd, start, Uint8Array.from(stored.subarray(header.length)));
    }
    ftruncateSync(fd, 0);
    ftruncateSync(fd, start + header.length + count);
    writeSync(fd, header, 0, header.length, start);
    return new ChunkMap(fd, start, new Uint8Array(count));
  }

  /** True if the chunk was recorded, by this process or an earlier one. */
  has(chunk: number): boolean {
    return this.#recorded[chunk] === ARRIVED;
  }

  /** Records chunks whose bytes are on the disk. Throws Node's errors. */
  record(chunks: Iterable<number>): void {
    const byte = Uint8Array.of(ARRIVED);
    for (const chunk of chunks) {
      writeSync(this.#fd, byte, 0, 1, this.#start + CHUNK_MAP_LAYOUT.end + chunk);
      this.#recorded[chunk] = ARRIVED;
    }
  }
}

function headerOf({ digest, size }: BlobKey): Buffer {
  const header = Buffer.alloc(CHUNK_MAP_LAYOUT.end);
  MAGIC.copy(header, CHUNK_MAP_LAYOUT.magic);
  header.writeUInt32LE(VERSION, CHUNK_MAP_LAYOUT.version);
  header.writeUInt32LE(CHUNK_SIZE, CHUNK_MAP_LAYOUT.chunkSize);
  header.writeBigUInt64LE(BigInt(size), CHUNK_MAP_LAYOUT.blobSize);
  header.write(digest.slice('sha256:'.length), CHUNK_MAP_LAYOUT.sha256, 'hex');
  return header;
}

/** The bytes from `start` on, if there are exactly `length`. */
function readWhole(fd: number, start: number, length: number): Buffer | undefined {
  if (fstatSync(fd).size !== start + length) return undefined;
  const bytes = Buffer.alloc(length);
  return readSync(fd, bytes, 0, length, start) === length ? bytes : undefined;
}
