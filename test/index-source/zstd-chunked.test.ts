// zstd:chunked: layers that skopeo and stargz-snapshotter made. The oracle is the tar in the same blob.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type ChunkedPosition,
  type ChunkedSource,
  chunkedPositionOf,
  readZstdChunked,
} from '../../src/index-source/zstd-chunked.ts';
import { compareWithWhole } from '../../src/layer/compare-layers.ts';
import { SpanKind } from '../../src/sys/scan.ts';
import { readMembers } from '../../src/sys/span-reader.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { storedLayersOf } from '../image/stored-layers.ts';
import { wholeLayerOf } from '../layer/whole-layer.ts';
import { Random } from '../tree/random.ts';

const POSITION = 'io.github.containers.zstd-chunked.manifest-position';
const CHECKSUM = 'io.github.containers.zstd-chunked.manifest-checksum';
const SOURCES = ['lazy/zstd-chunked.tar', 'forms/oci-zstd-chunked.tar'];

function sourceOf(bytes: Buffer): ChunkedSource {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-chunked-'));
  const path = join(directory, 'blob');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  onTestFinished(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    unpack: async (offset, length, rawLength) => {
      const out = Buffer.alloc(rawLength);
      const filled = await readMembers(fd, offset, length, SpanKind.zstd, new Uint8Array(0), out);
      return filled === rawLength ? out : undefined;
    },
  };
}

async function firstOf(source: string): Promise<{ bytes: Buffer; position: ChunkedPosition }> {
  const [layer] = await storedLayersOf(`fixtures/${source}`);
  const { bytes, annotations } = layer ?? expect.fail('no layer');
  const position = chunkedPositionOf(new Map(Object.entries(annotations))) ?? expect.fail('no position');
  return { bytes, position };
}

describe('the table of a zstd:chunked layer', () => {
  it.each(SOURCES)('states what the tar has, in all layers of %s', async (source) => {
    const layers = await storedLayersOf(`fixtures/${source}`);
    expect(layers.length).toBeGreaterThan(2);
    for (const { bytes, annotations } of layers) {
      const position = chunkedPositionOf(new Map(Object.entries(annotations))) ?? expect.fail('no position');
      const members = await readZstdChunked(sourceOf(bytes), position);
      await compareWithWhole(members, await wholeLayerOf(bytes));
    }
  });

  it('has a place that the annotations state in one form', () => {
    const digest = 'sha256:1';
    const read = (position: string): ChunkedPosition | undefined =>
      chunkedPositionOf(
        new Map([
          [POSITION, position],
          [CHECKSUM, digest],
        ]),
      );
    expect(read('10:20:30:1')).toEqual({ offset: 10, length: 20, rawLength: 30, digest });
    for (const wrong of ['', '10:20:30', '10:20:30:2', '-1:20:30:1', '1e3:2:3:1', '9999999999999999:2:3:1']) {
      expect(read(wrong), wrong).toBeUndefined();
    }
    expect(chunkedPositionOf(new Map([[POSITION, '10:20:30:1']]))).toBeUndefined();
  });

  it('is damaged with another digest, and not used out of its bounds', async () => {
    const { bytes, position } = await firstOf('lazy/zstd-chunked.tar');
    const source = sourceOf(bytes);
    const { offset } = position;
    const changed = { ...source, read: () => Promise.resolve(Buffer.from(bytes.subarray(offset + 1))) };
    await expect(readZstdChunked(changed, position)).rejects.toMatchObject({ code: 'ERR_STRATAFS_DIGEST' });
    for (const wrong of [
      { offset: 0 },
      { length: bytes.length },
      { length: 2 ** 40 },
      { rawLength: 2 ** 40 },
      { rawLength: position.rawLength + 1 },
      { rawLength: 5 },
    ]) {
      await expect(readZstdChunked(source, { ...position, ...wrong })).rejects.toThrow(InputError);
    }
  });

  it('that is damaged at random is refused', async () => {
    const random = new Random(19);
    const { bytes, position } = await firstOf('forms/oci-zstd-chunked.tar');
    for (let round = 0; round < 100; round++) {
      const damagedBytes = Buffer.from(bytes);
      const at = position.offset + random.below(position.length);
      damagedBytes[at] = (damagedBytes[at] ?? 0) ^ (1 + random.below(255));
      await expect(readZstdChunked({ ...sourceOf(damagedBytes) }, position)).rejects.toThrow(InputError);
    }
  });
});
