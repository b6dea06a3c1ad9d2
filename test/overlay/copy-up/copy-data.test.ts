// The copy of bytes to the upper: an inode has one copy at a time, which is given up when no call waits for it any more.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EINTR } from '../../../src/vfs/errno.ts';
import { type Call, OpenFile } from '../../../src/vfs/operation.ts';
import { file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench } from '../writable.ts';

const SIZE = 3 * 1024 * 1024;
const content = Buffer.alloc(SIZE, 'lower');
const O_RDWR = 2;
const benches: Bench[] = [];

/** The reader answers asynchronously. The file is read in three pieces. */
function open(): { bench: Bench; reader: MemoryReader; copy: (call: Call) => Promise<number> } {
  const reader = new MemoryReader(content, true);
  const bench = new Bench([layer({ f: file({ size: SIZE }) })], [reader]);
  benches.push(bench);
  const node = bench.node('f');
  const copy = async (call: Call): Promise<number> => {
    const status = await bench.overlay.open(node, O_RDWR, false, call, new OpenFile());
    if (status === 0) bench.overlay.release(node);
    return status;
  };
  return { bench, reader, copy };
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

test('a call during the copy of a file waits for the same copy', async () => {
  const { bench, reader, copy } = open();
  expect(await Promise.all([copy(bench.call()), copy(bench.call())])).toEqual([0, 0]);
  expect(reader.reads.length).toBe(3);
  expect(readFileSync(join(bench.upper, 'f')).equals(content)).toBe(true);
});

test('a copy whose only caller is interrupted is given up, and leaves nothing', async () => {
  const { bench, reader, copy } = open();
  const call = bench.call();
  const copying = copy(call);
  call.isInterrupted = true;
  expect(await copying).toBe(-EINTR);
  expect(reader.reads.length).toBeLessThan(3);
  expect(existsSync(join(bench.upper, 'f'))).toBe(false);
  expect(readdirSync(join(bench.work, 'work'))).toEqual([]);
  expect(await copy(bench.call())).toBe(0);
  expect(readFileSync(join(bench.upper, 'f')).equals(content)).toBe(true);
});

test('a copy continues if one of two waiting calls is interrupted', async () => {
  const { bench, reader, copy } = open();
  const [one, other] = [bench.call(), bench.call()];
  const copying = [copy(one), copy(other)];
  one.isInterrupted = true;
  expect((await Promise.all(copying))[1]).toBe(0);
  expect(reader.reads.length).toBe(3);
  expect(readFileSync(join(bench.upper, 'f')).equals(content)).toBe(true);
});
