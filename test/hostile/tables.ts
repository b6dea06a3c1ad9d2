// Hostile tables: files of the cache directory with false content. Those that stratafs itself reads have right checksums, to
// test the checks after the checksum. The same seed gives the same files.
import { createHash } from 'node:crypto';
import { INDEX_FILE_HEADER_SIZE, IndexFileField } from '../../src/layer/index-file.ts';
import { spanTableLength } from '../../src/layer/span-table-layout.ts';
import { TREE_FILE_HEADER_SIZE, TreeFileField } from '../../src/tree/tree-file.ts';
import type { Random } from '../tree/random.ts';

const WORDS = [0, 1, 2, 7, 255, 0x7fff_ffff, 0x8000_0000, 0xf000_0000, 0xffff_ffff];
const NUMBERS = [0, -1, 0.5, 1e9, 4096, 2 ** 32, 2 ** 53, 2 ** 60, -(2 ** 63), NaN, Infinity, -Infinity];

/** Changes one to four elements at or after `from`. */
function spoil(bytes: Buffer, from: number, random: Random): void {
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = from + random.below(bytes.length - from);
    const word = at - (at % 4);
    switch (random.below(5)) {
      case 0:
        bytes.writeUInt8(random.below(256), at);
        break;
      case 1:
        if (word >= from && word + 4 <= bytes.length) bytes.writeUInt32LE(random.pick(WORDS), word);
        break;
      case 2:
        if (at - (at % 8) >= from && at - (at % 8) + 8 <= bytes.length) {
          bytes.writeDoubleLE(random.pick(NUMBERS), at - (at % 8));
        }
        break;
      case 3:
        // Near the truth: a neighbour's value, one more or less.
        bytes.writeUInt8(((bytes[at] as number) + random.pick([1, 255])) % 256, at);
        break;
      default: {
        const length = Math.min(64, bytes.length - at);
        bytes.copyWithin(at, from + random.below(bytes.length - from - length + 1), bytes.length);
      }
    }
  }
}

export function hostileTreeFile(good: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(good);
  spoil(bytes, TREE_FILE_HEADER_SIZE, random);
  const checked = bytes.subarray(TreeFileField.key);
  createHash('sha256').update(checked).digest().copy(bytes, TreeFileField.sha256);
  return bytes;
}

/** With a wrong checksum: what has a right one goes to the kernel, which checks it. */
export function changedErofsFile(good: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(good);
  spoil(bytes, 0, random);
  return bytes;
}

export function hostileIndexFile(good: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(good);
  const spans = bytes.readDoubleLE(IndexFileField.spans);
  const windows = bytes.readDoubleLE(IndexFileField.windows);
  const columnsAt = INDEX_FILE_HEADER_SIZE + spanTableLength(spans, windows);
  spoil(bytes, random.oneIn(4) ? INDEX_FILE_HEADER_SIZE : columnsAt, random);
  createHash('sha256').update(bytes.subarray(columnsAt)).digest().copy(bytes, IndexFileField.columnsSha256);
  createHash('sha256')
    .update(bytes.subarray(IndexFileField.flags, IndexFileField.sha256))
    .update(bytes.subarray(IndexFileField.length, columnsAt))
    .digest()
    .copy(bytes, IndexFileField.sha256);
  return bytes;
}
