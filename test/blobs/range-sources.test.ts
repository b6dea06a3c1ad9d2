// The sources of one blob: one goes on where another broke.
import { expect, test } from 'vitest';
import type { RangeSource } from '../../src/blobs/range-source.ts';
import { RangeSources } from '../../src/blobs/range-sources.ts';

const BYTES = Buffer.from('0123456789');
const never = new AbortController().signal;

/** Sends pieces of two bytes, and breaks before byte `end`. */
function sourceOf(requests: string[], name: string, end = Infinity): RangeSource {
  return {
    knowsRanges: true,
    async *read(offset, length) {
      requests.push(`${name} ${offset} ${length}`);
      for (let at = offset; at < offset + length; at += 2) {
        if (at >= end) throw new Error(`${name} broke`);
        yield await Promise.resolve(BYTES.subarray(at, Math.min(at + 2, offset + length)));
      }
    },
  };
}

async function read(sources: RangeSources, offset: number, length: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of sources.read(offset, length, never)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('the next source goes on where one broke, and is asked first from then on', async () => {
  const requests: string[] = [];
  const sources = new RangeSources();
  sources.add(sourceOf(requests, 'first', 4));
  sources.add(sourceOf(requests, 'second'));
  expect(await read(sources, 0, 10)).toBe('0123456789');
  expect(await read(sources, 0, 2)).toBe('01');
  expect(requests).toEqual(['first 0 10', 'second 4 6', 'second 0 2']);
});

test('the last failure counts if all fail', async () => {
  const sources = new RangeSources();
  sources.add(sourceOf([], 'first', 4));
  sources.add(sourceOf([], 'second', 6));
  await expect(read(sources, 0, 10)).rejects.toThrow('second broke');
});

test('a source that was removed is not asked, and without any a read is EIO', async () => {
  const requests: string[] = [];
  const sources = new RangeSources();
  const remove = sources.add(sourceOf(requests, 'first'));
  sources.add(sourceOf(requests, 'second'));
  remove();
  remove();
  expect(await read(sources, 2, 2)).toBe('23');
  expect(requests).toEqual(['second 2 2']);
  await expect(read(new RangeSources(), 0, 1)).rejects.toMatchObject({ code: 'EIO' });
});

test('a distrusted source is asked last, once a turn', async () => {
  const requests: string[] = [];
  const sources = new RangeSources();
  for (const name of ['first', 'second']) sources.add(sourceOf(requests, name));
  const { turn } = sources;
  sources.distrust(turn);
  sources.distrust(turn);
  await read(sources, 0, 1);
  expect(requests).toEqual(['second 0 1']);
});
