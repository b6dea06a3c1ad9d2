import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeUnlocked } from '../../src/blobs/part-file.ts';
import { PartialBlob } from '../../src/blobs/partial-blob.ts';
import type { RangeSource } from '../../src/blobs/range-source.ts';
import { CHUNK_SIZE } from '../../src/vfs/chunks.ts';
import { Random } from '../tree/random.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'stratafs-blobs-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const SIZE = 5 * CHUNK_SIZE + 777;
const content = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 2654435761) >>> 24));
const sha256 = createHash('sha256').update(content).digest('hex');
const key = { digest: `sha256:${sha256}`, size: SIZE };

/** Serves `bytes`, and notes which ranges were requested. */
class MemorySource implements RangeSource {
  readonly requests: [start: number, end: number][] = [];
  readonly #bytes: Uint8Array;
  readonly #pieceLength: number;
  /** The next so many requests fail after half of their bytes. */
  failures = 0;
  knowsRanges = true;

  constructor(bytes: Uint8Array = content, pieceLength = 100_000) {
    this.#bytes = bytes;
    this.#pieceLength = pieceLength;
  }

  async *read(start: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const end = start + length;
    this.requests.push([start, end]);
    const stop = this.failures-- > 0 ? Math.floor((start + end) / 2) : end;
    for (let at = start; at < stop; at += this.#pieceLength) {
      await Promise.resolve();
      signal.throwIfAborted();
      yield Buffer.from(this.#bytes.subarray(at, Math.min(at + this.#pieceLength, stop)));
    }
    if (stop < end) throw new Error('the connection was reset');
  }
}

async function withBlob<T>(source: RangeSource, use: (blob: PartialBlob) => Promise<T>): Promise<T> {
  const blob = PartialBlob.open(directory, key, source);
  try {
    return await use(blob);
  } finally {
    await blob.close();
  }
}

/** True if the file of `blob` has the right bytes there. */
function isRight(blob: PartialBlob, offset: number, length: number): boolean {
  const bytes = Buffer.alloc(length);
  expect(fs.readSync(blob.fd, bytes, 0, length, offset)).toBe(length);
  return bytes.equals(content.subarray(offset, offset + length));
}

const filesLeft = (): string[] => fs.readdirSync(directory).sort();

describe('have', () => {
  test('fetches the chunks of a range, and nothing else', async () => {
    const source = new MemorySource();
    await withBlob(source, async (blob) => {
      await blob.have(CHUNK_SIZE + 10, CHUNK_SIZE);
      expect(source.requests).toEqual([[CHUNK_SIZE, 3 * CHUNK_SIZE]]);
      expect(isRight(blob, CHUNK_SIZE + 10, CHUNK_SIZE)).toBe(true);
      expect(blob.arrivedBytes).toBe(2 * CHUNK_SIZE);
    });
  });

  test('is undefined for bytes that are here', async () => {
    await withBlob(new MemorySource(), async (blob) => {
      await blob.have(0, 1);
      expect(blob.have(5, CHUNK_SIZE - 5)).toBeUndefined();
    });
  });

  test('fetches a chunk once, however many ask for it', async () => {
    const source = new MemorySource();
    await withBlob(source, async (blob) => {
      await Promise.all(Array.from({ length: 20 }, () => Promise.resolve(blob.have(0, 2 * CHUNK_SIZE))));
      expect(source.requests).toHaveLength(1);
    });
  });

  test('reaches only to the end of the blob', async () => {
    const source = new MemorySource();
    await withBlob(source, async (blob) => {
      await blob.have(SIZE - 1, 10 * CHUNK_SIZE);
      expect(source.requests).toEqual([[5 * CHUNK_SIZE, SIZE]]);
      expect(blob.have(SIZE, 1)).toBeUndefined();
    });
  });

  test('rejects with the error of the source, keeps what came, and tries again for the next one who asks', async () => {
    const source = new MemorySource(content, CHUNK_SIZE);
    source.failures = 1;
    await withBlob(source, async (blob) => {
      await expect(blob.have(0, 4 * CHUNK_SIZE)).rejects.toThrow('the connection was reset');
      expect(blob.have(0, 2 * CHUNK_SIZE)).toBeUndefined();
      await blob.have(0, 4 * CHUNK_SIZE);
      expect(source.requests[1]).toEqual([2 * CHUNK_SIZE, 4 * CHUNK_SIZE]);
      expect(isRight(blob, 0, 4 * CHUNK_SIZE)).toBe(true);
    });
  });

  test('rejects if the source sends more or fewer bytes than requested', async () => {
    const more: RangeSource = {
      knowsRanges: true,
      async *read(_, length) {
        yield await Promise.resolve(Buffer.alloc(length + 1));
      },
    };
    const fewer: RangeSource = {
      knowsRanges: true,
      async *read(_, length) {
        yield await Promise.resolve(Buffer.alloc(length - 1));
      },
    };
    await withBlob(more, (blob) => expect(blob.have(0, 1)).rejects.toThrow('sent more than requested'));
    await withBlob(fewer, (blob) => expect(blob.have(0, 1)).rejects.toThrow('sent fewer than requested'));
  });
});

test('a source without ranges gets one request for all that is missing', async () => {
  const source = new MemorySource();
  source.knowsRanges = false;
  await withBlob(source, async (blob) => {
    await Promise.all([Promise.resolve(blob.have(2 * CHUNK_SIZE, 1)), blob.complete()]);
    expect(source.requests).toEqual([
      [2 * CHUNK_SIZE, 3 * CHUNK_SIZE],
      [0, 2 * CHUNK_SIZE],
      [3 * CHUNK_SIZE, SIZE],
    ]);
  });
});

test('a file without a name is cut to the blob, and begun again after a wrong digest', async () => {
  const path = join(directory, 'unnamed');
  const fd = fs.openSync(path, 'wx+');
  const lie = Buffer.alloc(SIZE, 'x');
  const first = PartialBlob.openUnnamed(fd, key, new MemorySource(lie));
  await expect(first.complete()).rejects.toMatchObject({ code: 'ERR_STRATAFS_DIGEST' });
  await first.close();
  const second = PartialBlob.openUnnamed(fd, key, new MemorySource());
  await second.complete();
  await second.close();
  fs.closeSync(fd);
  expect(fs.readFileSync(path).equals(content)).toBe(true);
});

test('an empty blob is whole at once', async () => {
  const empty = { digest: `sha256:${createHash('sha256').digest('hex')}`, size: 0 };
  const blob = PartialBlob.open(directory, empty, new MemorySource());
  await blob.complete();
  await blob.close();
  expect(fs.statSync(join(directory, `${empty.digest.slice(7)}.blob`)).size).toBe(0);
});

describe('complete', () => {
  test('verifies the blob and leaves one ordinary file', async () => {
    await withBlob(new MemorySource(), async (blob) => {
      await blob.complete();
      expect(blob.arrivedBytes).toBe(SIZE);
      expect(filesLeft()).toEqual([`${sha256}.blob`]);
    });
    expect(fs.readFileSync(join(directory, `${sha256}.blob`)).equals(content)).toBe(true);
  });

  test('removes a blob whose bytes have another digest, and every read is EIO from then on', async () => {
    const lie = Buffer.from(content);
    lie[3 * CHUNK_SIZE] = (lie[3 * CHUNK_SIZE] as number) ^ 1;
    await withBlob(new MemorySource(lie), async (blob) => {
      await expect(blob.complete()).rejects.toMatchObject({ code: 'ERR_STRATAFS_DIGEST' });
      await expect(blob.have(0, 1)).rejects.toMatchObject({ code: 'EIO' });
      expect(filesLeft()).toEqual([]);
    });
  });

  test('is done once for all who ask', async () => {
    await withBlob(new MemorySource(), async (blob) => {
      await Promise.all([blob.complete(), blob.complete()]);
      await blob.complete();
      expect(filesLeft()).toEqual([`${sha256}.blob`]);
    });
  });

  test('ends when the blob is closed', async () => {
    const blob = PartialBlob.open(directory, key, new MemorySource());
    await blob.have(0, SIZE);
    const completing = blob.complete();
    completing.catch(() => undefined);
    await Promise.resolve();
    await blob.close();
    await expect(completing).rejects.toMatchObject({ code: 'EIO' });
    expect(filesLeft()).toEqual([`${sha256}.part`]);
  });
});

describe('removeUnlocked', () => {
  test('leaves a file that is being fetched into, and removes it afterwards', async () => {
    const path = join(directory, `${sha256}.part`);
    await withBlob(new MemorySource(), async (blob) => {
      await blob.have(0, 1);
      expect(removeUnlocked(path)).toBe(false);
      expect(filesLeft()).toEqual([`${sha256}.part`]);
    });
    expect(removeUnlocked(path)).toBe(true);
    expect(filesLeft()).toEqual([]);
    expect(removeUnlocked(path)).toBe(true);
  });
});

describe('a later run', () => {
  test('fetches only what the earlier one did not', async () => {
    await withBlob(new MemorySource(), (blob) => Promise.resolve(blob.have(CHUNK_SIZE, 2 * CHUNK_SIZE)));
    const source = new MemorySource();
    await withBlob(source, async (blob) => {
      expect(blob.have(CHUNK_SIZE, 2 * CHUNK_SIZE)).toBeUndefined();
      await blob.complete();
      expect(source.requests).toEqual([
        [0, CHUNK_SIZE],
        [3 * CHUNK_SIZE, SIZE],
      ]);
    });
  });

  test('begins again if the file was damaged, or is of another blob', async () => {
    const part = join(directory, `${sha256}.part`);
    const damage = [
      (): void => fs.truncateSync(part, SIZE),
      (): void => fs.writeFileSync(part, 'x'),
      (): void => fs.appendFileSync(part, 'x'),
    ];
    for (const spoil of damage) {
      await withBlob(new MemorySource(), (blob) => Promise.resolve(blob.have(0, 1)));
      spoil();
      const source = new MemorySource();
      await withBlob(source, (blob) => Promise.resolve(blob.have(0, 1)));
      expect(source.requests).toEqual([[0, CHUNK_SIZE]]);
    }
  });

  test('refuses files that others could have written, symlinks and FIFOs', () => {
    const part = join(directory, `${sha256}.part`);
    const open = (): PartialBlob => PartialBlob.open(directory, key, new MemorySource());
    fs.writeFileSync(part, '', { mode: 0o600 });
    fs.chmodSync(part, 0o622);
    expect(open).toThrow('others may write');
    fs.rmSync(part);
    fs.symlinkSync('/etc/hostname', part);
    expect(open).toThrow('ELOOP');
    expect(fs.lstatSync(part).isSymbolicLink()).toBe(true);
  });
});

describe('two users of one blob', () => {
  test('the second one fetches into a file of its own, and disturbs nothing', async () => {
    const lie = Buffer.alloc(SIZE, 'x');
    await withBlob(new MemorySource(), async (first) => {
      await withBlob(new MemorySource(lie), async (second) => {
        await first.have(0, CHUNK_SIZE);
        await expect(second.complete()).rejects.toMatchObject({ code: 'ERR_STRATAFS_DIGEST' });
      });
      expect(isRight(first, 0, CHUNK_SIZE)).toBe(true);
      await first.complete();
    });
    expect(filesLeft()).toEqual([`${sha256}.blob`]);
  });

  test('the second one may complete first', async () => {
    await withBlob(new MemorySource(), async (first) => {
      await first.have(0, 1);
      await withBlob(new MemorySource(), (second) => second.complete());
      await first.complete();
    });
    expect(filesLeft()).toEqual([`${sha256}.blob`]);
  });
});

test('random reads of a source that fails at random show its bytes, over many runs', async () => {
  const random = new Random(20261130);
  for (let run = 0; run < 12; run++) {
    const source = new MemorySource(content, 1 + random.below(3 * CHUNK_SIZE));
    await withBlob(source, async (blob) => {
      const reads = Array.from({ length: 8 }, async () => {
        source.failures = random.below(2);
        const offset = random.below(SIZE);
        const length = 1 + random.below(Math.min(2 * CHUNK_SIZE, SIZE - offset));
        try {
          await blob.have(offset, length);
        } catch (error) {
          expect((error as Error).message).toBe('the connection was reset');
          return;
        }
        expect(isRight(blob, offset, length)).toBe(true);
      });
      await Promise.all(reads);
    });
    if (run % 5 === 4) fs.rmSync(join(directory, `${sha256}.part`), { force: true });
  }
});

/** Answers the first `wrong` requests with zeros. */
class LyingSource extends MemorySource {
  wrong: number;
  turn = 0;

  constructor(wrong: number) {
    super();
    this.wrong = wrong;
  }

  override async *read(start: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const isWrong = this.wrong-- > 0;
    for await (const piece of super.read(start, length, signal)) yield isWrong ? piece.fill(0) : piece;
  }

  distrust(turn: number): void {
    if (turn === this.turn) this.turn++;
  }
}

describe('a blob that its readers verify', () => {
  const open = (source: RangeSource): PartialBlob =>
    PartialBlob.open(directory, key, source, { isVerifiedByReaders: true });

  test('fetches again what they reject, from another server', async () => {
    const source = new LyingSource(1);
    const blob = open(source);
    await blob.have(0, CHUNK_SIZE);
    expect(isRight(blob, 0, CHUNK_SIZE)).toBe(false);
    expect([blob.reject(0, CHUNK_SIZE, 0), source.turn, blob.arrivedBytes]).toEqual([true, 1, 0]);
    await blob.have(0, CHUNK_SIZE);
    expect(isRight(blob, 0, CHUNK_SIZE)).toBe(true);
    await blob.close();
  });

  test('is fetched again if the whole has another digest, and then rejects nothing', async () => {
    const source = new LyingSource(2);
    const blob = open(source);
    await blob.complete();
    expect([blob.isWhole, source.turn, isRight(blob, 0, SIZE)]).toEqual([true, 2, true]);
    expect(blob.reject(0, SIZE, 2)).toBe(false);
    expect(blob.have(0, SIZE)).toBeUndefined();
    await blob.close();
    expect(filesLeft()).toEqual([`${sha256}.blob`]);
  });

  test('is hashed again if they reject bytes meanwhile: nothing is written after it was published', async () => {
    const source = new LyingSource(0);
    const blob = open(source);
    await blob.have(0, SIZE);
    let reading: Promise<void> | undefined;
    // The last call of the function that hashes.
    const hashed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
    hashed.mockImplementationOnce(() => {
      source.wrong = 1;
      expect(blob.reject(0, CHUNK_SIZE, source.turn)).toBe(true);
      reading = blob.have(0, CHUNK_SIZE);
    });
    await blob.complete();
    hashed.mockRestore();
    await reading;
    expect([blob.isWhole, source.wrong, isRight(blob, 0, SIZE)]).toEqual([true, -1, true]);
    await blob.close();
  });

  test('is corrupt if the whole always has another digest', async () => {
    const blob = open(new LyingSource(100));
    await expect(blob.complete()).rejects.toThrow(`expected ${key.digest}`);
    expect([blob.isCorrupt, blob.reject(0, SIZE, 3)]).toEqual([true, false]);
    await blob.close();
    expect(filesLeft()).toEqual([]);
  });

  test('can be completed later if the source fails between', async () => {
    const source = new LyingSource(1);
    const blob = open(source);
    await blob.have(0, SIZE);
    source.failures = 1;
    await expect(blob.complete()).rejects.toThrow('the connection was reset');
    await blob.complete();
    expect(blob.isWhole).toBe(true);
    await blob.close();
  });
});
