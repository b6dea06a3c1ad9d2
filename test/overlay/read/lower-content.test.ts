import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LowerContent } from '../../../src/overlay/read/lower-content.ts';
import { buildTree } from '../../../src/tree/merge.ts';
import { type BlobReader, FileRange } from '../../../src/vfs/blob-reader.ts';
import { EINVAL, EIO, ENXIO } from '../../../src/vfs/errno.ts';
import { file, layer } from '../../tree/layer-maker.ts';
import { resolve } from '../../tree/tree-dump.ts';
import { FileReader, MemoryReader } from '../memory-reader.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const blob = Uint8Array.from({ length: 4096 }, (_, i) => 1 + (i % 255));

const tree = buildTree([
  layer({ low: file({ size: 100, data: 0 }) }),
  layer({
    plain: file({ size: 1000, data: 512 }),
    empty: file(),
    // Data at 10-20 and 30-40, packed in the blob; then 50-60, elsewhere in it; a hole to 70.
    sparse: file({
      size: 70,
      extents: [
        [10, 10, 1000],
        [30, 10, 1010],
        [50, 10, 3000],
      ],
    }),
    hole: file({ size: 2 ** 40, extents: [] }),
    beyond: file({ size: 100, data: 4000 }),
    sparseBeyond: file({ size: 100, extents: [[50, 50, 4090]] }),
  }),
]);
const inodeOf = (path: string): number => resolve(tree, path);
const lowReader = new MemoryReader(new Uint8Array(100).fill(0xee));

/** The expected bytes of a file, computed byte by byte. */
function expectedSparse(): Uint8Array {
  const bytes = new Uint8Array(70);
  bytes.set(blob.subarray(1000, 1010), 10);
  bytes.set(blob.subarray(1010, 1020), 30);
  bytes.set(blob.subarray(3000, 3010), 50);
  return bytes;
}

function withFileReader(act: (reader: BlobReader) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-test-'));
  const path = join(directory, 'blob');
  writeFileSync(path, blob);
  const fd = openSync(path, 'r');
  return act(new FileReader(fd, blob.length)).finally(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
}

describe('read', () => {
  test("returns the reader's own result for a contiguous range, from the layer that has the file", () => {
    const reader = new MemoryReader(blob);
    const content = new LowerContent(tree, [lowReader, reader]);
    expect(content.read(inodeOf('plain'), 100, 50)).toEqual(blob.subarray(612, 662));
    expect(reader.reads).toEqual([[612, 50]]);
    expect(content.read(inodeOf('low'), 0, 4096)).toEqual(lowReader.bytes);
  });

  test("passes on a reader's file range or promise unchanged", async () => {
    await withFileReader(async (reader) => {
      const content = new LowerContent(tree, [lowReader, reader]);
      const range = content.read(inodeOf('plain'), 990, 4096);
      expect(range).toBeInstanceOf(FileRange);
      expect(range).toMatchObject({ position: 1502, length: 10 });
      expect(content.read(inodeOf('sparse'), 12, 5)).toMatchObject({ position: 1002, length: 5 });
      return Promise.resolve();
    });
    const content = new LowerContent(tree, [lowReader, new MemoryReader(blob, true)]);
    const answer = content.read(inodeOf('plain'), 0, 10);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toEqual(blob.subarray(512, 522));
  });

  test('stops at the end of the file', () => {
    const reader = new MemoryReader(blob);
    const content = new LowerContent(tree, [lowReader, reader]);
    expect(content.read(inodeOf('plain'), 995, 100)).toHaveLength(5);
    expect(content.read(inodeOf('plain'), 1000, 100)).toHaveLength(0);
    expect(content.read(inodeOf('plain'), 2 ** 50, 100)).toHaveLength(0);
    expect(content.read(inodeOf('empty'), 0, 4096)).toHaveLength(0);
    expect(reader.reads).toHaveLength(1);
  });

  test('returns zeros for a hole without reading the blob', () => {
    const reader = new MemoryReader(blob);
    const content = new LowerContent(tree, [lowReader, reader]);
    for (const [offset, length] of [
      [0, 10],
      [2 ** 39, 1 << 20],
      [2 ** 40 - 3, 4096],
    ] as const) {
      const bytes = content.read(inodeOf('hole'), offset, length) as Uint8Array;
      expect(bytes).toHaveLength(Math.min(length, 2 ** 40 - offset));
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    }
    expect(reader.reads).toEqual([]);
  });

  test('is correct for every range of a sparse file and every kind of result of the reader', async () => {
    const expected = expectedSparse();
    await withFileReader(async (fileReader) => {
      for (const reader of [new MemoryReader(blob), new MemoryReader(blob, true), fileReader]) {
        const content = new LowerContent(tree, [lowReader, reader]);
        for (let offset = 0; offset < 70; offset += 3) {
          for (const length of [1, 7, 10, 25, 100]) {
            const answer = await content.read(inodeOf('sparse'), offset, length);
            const bytes =
              answer instanceof FileRange
                ? blob.subarray(answer.position, answer.position + answer.length)
                : answer;
            expect(bytes, `${offset}+${length}`).toEqual(expected.slice(offset, offset + length));
          }
        }
      }
    });
  });

  test('fetches data that is packed in the blob with one read, even if the file has holes between', async () => {
    const reader = new MemoryReader(blob);
    await new LowerContent(tree, [lowReader, reader]).read(inodeOf('sparse'), 15, 55);
    expect(reader.reads).toEqual([
      [1005, 15],
      [3000, 10],
    ]);
  });

  test('is EIO if the blob ends before the file, sparse or not', async () => {
    const content = new LowerContent(tree, [lowReader, new MemoryReader(blob)]);
    expect(content.read(inodeOf('beyond'), 0, 96)).toHaveLength(96);
    expect(content.read(inodeOf('beyond'), 0, 97)).toBe(-EIO);
    expect(content.read(inodeOf('beyond'), 96, 4)).toBe(-EIO);
    expect(content.read(inodeOf('sparseBeyond'), 50, 50)).toBe(-EIO);
    expect(await content.read(inodeOf('sparseBeyond'), 0, 100)).toBe(-EIO);
  });

  test('is EIO if the reader fails or returns too few bytes in a joined read', async () => {
    const failing: BlobReader = { size: 4096, read: () => -EIO, close: () => undefined };
    const short: BlobReader = { size: 4096, read: () => new Uint8Array(1), close: () => undefined };
    // Opened only for their errors: reading a directory fails, and the null device is at its end at once.
    const directory = openSync(tmpdir(), 'r');
    const nothing = openSync('/dev/null', 'r');
    try {
      for (const reader of [failing, short, new FileReader(directory, 4096), new FileReader(nothing, 4096)]) {
        const content = new LowerContent(tree, [lowReader, reader]);
        expect(await content.read(inodeOf('sparse'), 0, 70)).toBe(-EIO);
      }
    } finally {
      closeSync(directory);
      closeSync(nothing);
    }
  });
});

describe('seek', () => {
  const content = new LowerContent(tree, [lowReader, new MemoryReader(blob)]);
  const seek = (path: string, whence: number, offsets: number[]): number[] =>
    offsets.map((offset) => content.seek(inodeOf(path), offset, whence));

  test('SEEK_DATA finds data at or after the offset, and none in the last hole', () => {
    expect(seek('sparse', SEEK_DATA, [0, 10, 19, 20, 59, 60])).toEqual([10, 10, 19, 30, 59, -ENXIO]);
    expect(seek('plain', SEEK_DATA, [0, 999])).toEqual([0, 999]);
    expect(seek('hole', SEEK_DATA, [0])).toEqual([-ENXIO]);
  });

  test('SEEK_HOLE finds the next hole, or the end of the file', () => {
    expect(seek('sparse', SEEK_HOLE, [0, 10, 20, 35, 50, 69])).toEqual([0, 20, 20, 40, 60, 69]);
    expect(seek('plain', SEEK_HOLE, [0, 999])).toEqual([1000, 1000]);
  });

  test('is ENXIO at or past the end', () => {
    expect(seek('plain', SEEK_DATA, [1000, 2 ** 50])).toEqual([-ENXIO, -ENXIO]);
    expect(seek('plain', SEEK_HOLE, [1000])).toEqual([-ENXIO]);
    expect(seek('empty', SEEK_DATA, [0])).toEqual([-ENXIO]);
    expect(seek('sparse', SEEK_HOLE, [-1])).toEqual([-ENXIO]);
  });

  test('refuses any other whence', () => {
    expect(seek('plain', 2, [0])).toEqual([-EINVAL]);
  });
});
