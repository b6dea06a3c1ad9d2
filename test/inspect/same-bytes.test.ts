import { describe, expect, it } from 'vitest';
import { type FileBytes, bytesInLayer, haveSameBytes } from '../../src/inspect/same-bytes.ts';
import type { Layer } from '../../src/layer/layer.ts';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import type { BlobReader } from '../../src/vfs/blob-reader.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { file, layer } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';

type Pieces = readonly (readonly [offset: number, text: string])[];

/** A reader that counts the bytes that it was asked for. */
function readerOf(blob: Buffer): BlobReader & { asked: number } {
  return {
    size: blob.length,
    asked: 0,
    read(offset, length) {
      this.asked += length;
      return blob.subarray(offset, offset + length);
    },
    close: () => undefined,
  };
}

/** Each is the same as itself alone. */
function openedLayer(index: LayerIndex, reader: BlobReader): Layer {
  return {
    ...{ index, reader, compression: 'none', digest: undefined, diffId: undefined },
    close: () => undefined,
  };
}

/** A sparse file of one layer, with these pieces of data; what they hold; how many bytes were read. */
function sparse(size: number, pieces: Pieces): { bytes: FileBytes; whole: () => Buffer; read: () => number } {
  const blob = Buffer.from(pieces.map(([, text]) => text).join(''));
  let at = 0;
  const extents = pieces.map(([offset, text]): [number, number, number] => {
    const extent: [number, number, number] = [offset, text.length, at];
    at += text.length;
    return extent;
  });
  const index = layer({ f: file({ size, extents }) });
  const reader = readerOf(blob);
  const inode = index.dentryTarget[1] as number;
  const identity = openedLayer(index, reader);
  return {
    bytes: bytesInLayer(index, inode, { identity, reader }),
    whole: () => {
      const whole = Buffer.alloc(size);
      for (const [offset, text] of pieces) whole.write(text, offset, 'latin1');
      return whole;
    },
    read: () => reader.asked,
  };
}

describe('the bytes of two files', () => {
  it('are compared piece by piece, holes being zeros, as their whole contents are', async () => {
    const random = new Random(1);
    let equal = 0;
    for (let round = 0; round < 500; round++) {
      const size = 1 + random.below(6);
      const draw = (): Pieces => {
        const pieces: [number, string][] = [];
        for (let at = random.below(3); at < size; at += 1 + random.below(3)) {
          const length = Math.min(size - at, 1 + random.below(2));
          const text = Array.from({ length }, () => '\0a'[random.below(2)]).join('');
          pieces.push([at, text]);
          at += length;
        }
        return pieces;
      };
      const [a, b] = [sparse(size, draw()), sparse(size, draw())];
      const expected = a.whole().equals(b.whole());
      expect(await haveSameBytes(a.bytes, b.bytes), `round ${round}`).toBe(expected);
      if (expected) equal++;
    }
    expect(equal).toBeGreaterThan(20);
  });

  it('are not read where both have a hole, however large', async () => {
    const size = 2 ** 50;
    const [a, b] = [sparse(size, [[size - 1, 'x']]), sparse(size, [[size - 1, 'x']])];
    expect(await haveSameBytes(a.bytes, b.bytes)).toBe(true);
    expect([a.read(), b.read()]).toEqual([1, 1]);
  });

  it('are not read where they lie at one place of one layer, or their sizes differ', async () => {
    const a = sparse(4, [[0, 'abcd']]);
    expect(await haveSameBytes(a.bytes, a.bytes)).toBe(true);
    expect(await haveSameBytes(a.bytes, sparse(5, []).bytes)).toBe(false);
    expect(a.read()).toBe(0);
  });

  it('are unknown past the bound, and fail where they can not be read', async () => {
    const [a, b] = [sparse(4, [[0, 'abcd']]), sparse(4, [[0, 'abcd']])];
    expect(await haveSameBytes(a.bytes, b.bytes, { most: 3 })).toBe(undefined);
    expect([a.read(), b.read()]).toEqual([0, 0]);
    const lost: FileBytes = {
      ...b.bytes,
      sourceOf: () => ({ identity: 'lost', reader: { ...readerOf(Buffer.alloc(0)), read: () => -EIO } }),
    };
    await expect(haveSameBytes(a.bytes, lost)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('are read no further when the signal is aborted', async () => {
    const [a, b] = [sparse(4, [[0, 'abcd']]), sparse(4, [[0, 'abcd']])];
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(haveSameBytes(a.bytes, b.bytes, { signal })).rejects.toThrow('stop');
  });
});
