// Layers of an image, opened together: distinguished by their bytes, all or none.
import { readdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { Image } from '../../src/image/image.ts';
import { openImageSource } from '../../src/image/open-image.ts';
import { openLayers, reopenLayers } from '../../src/image/open-layers.ts';
import { openLowerStack } from '../../src/image/lower-stack.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import type { Layer } from '../../src/layer/layer.ts';
import { PROGRAM } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { LAYER, type SampleLayer, SampleLayout, sampleLayer } from './sample-images.ts';
import { scratchDirectory, sha256, tarFile } from './scratch.ts';
import { openCache } from '../layer/cache.ts';

let base: SampleLayer;
let top: SampleLayer;
beforeAll(async () => {
  base = await sampleLayer('base');
  top = await sampleLayer('top');
});

/** The layers, base first, closed when the test ends. */
async function open(image: Image): Promise<Layer[]> {
  const options = {
    cache: new BlockCache(1 << 20),
    store: undefined,
    verify: 'when-new',
    directoryMarks: 'trusted',
  } as const;
  const opened = (await openLayers(image, options)).map(({ layer }) => layer);
  onTestFinished(() => {
    for (const layer of opened) layer.close();
  });
  return opened;
}

describeWith([{ program: 'zstd' }], 'a compression', () => {
  test('is detected from the bytes, whatever the media type says', async () => {
    const zstd = execFileSync('zstd', ['-qc'], { input: base.tar });
    const layout = new SampleLayout();
    const layers = [
      layout.blob(zstd, `${LAYER}+gzip`),
      layout.blob(top.tar, `${LAYER}+zstd`),
      layout.blob(gzipSync(base.tar), LAYER),
    ];
    layout.add(layout.image([base, top, base], {}, { layers }));
    const opened = await open(await openImageSource(await tarFile(layout.members())));
    expect(opened.map(({ compression }) => compression)).toEqual(['zstd', 'none', 'gzip']);
    expect(opened.map(({ diffId }) => diffId)).toEqual([base.diffId, top.diffId, base.diffId]);
    expect(opened.map(({ digest }) => digest)).toEqual(layers.map(({ digest }) => digest));
  });
});

describe('a layer of other bytes', () => {
  test('than the config says fails the image, naming the layer and both DiffIDs', async () => {
    const layout = new SampleLayout();
    const layers = [layout.blob(base.tar, LAYER), layout.blob(gzipSync(base.tar), `${LAYER}+gzip`)];
    layout.add(layout.image([base, top], {}, { layers }));
    const path = await tarFile(layout.members());
    await expect(open(await openImageSource(path))).rejects.toThrow(
      `layer 2 of ${path}: found DiffID ${base.diffId}, expected ${top.diffId}`,
    );
  });

  test('than its digest says likewise', async () => {
    const layout = new SampleLayout();
    const blob = gzipSync(base.tar);
    const { digest } = layout.blob(blob, `${LAYER}+gzip`);
    layout.add(layout.image([base], {}, { layers: [{ mediaType: LAYER, digest, size: blob.length }] }));
    const spoilt = Buffer.from(blob);
    spoilt[4] = 1; // the time in gzip's header: the tar stays what it is
    layout.replace(digest, spoilt);
    await expect(open(await openImageSource(await tarFile(layout.members())))).rejects.toThrow(
      `found digest sha256:${sha256(spoilt)}, expected ${digest}`,
    );
  });
});

test('a layer that is listed again and again is opened once, and kept once', async () => {
  const layout = new SampleLayout();
  layout.add(layout.image([...new Array<SampleLayer>(1000).fill(base), top, base]));
  const image = await openImageSource(await tarFile(layout.members()));
  const before = readdirSync('/proc/self/fd').length;
  const options = {
    cache: new BlockCache(1 << 20),
    store: new IndexStore(openCache(join(await scratchDirectory(), 'cache'))),
    verify: 'when-new',
  } as const;
  const opened = (await openLayers(image, options)).map(({ layer }) => layer);
  expect(opened).toHaveLength(1002);
  expect(new Set(opened.map(({ index }) => index)).size).toBe(2);
  expect(readdirSync('/proc/self/fd')).toHaveLength(before + 2);
  for (const layer of opened) layer.close();
  const reopened = (await reopenLayers(image, options)) ?? expect.fail('they were not kept');
  expect(reopened.map(({ diffId }) => diffId)).toEqual(opened.map(({ diffId }) => diffId));
  expect(readdirSync('/proc/self/fd')).toHaveLength(before + 2);
  for (const layer of reopened) layer.close();
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});

test('more different layers than there can be open files are refused in one line', async () => {
  const layout = new SampleLayout();
  layout.add(
    layout.image(await Promise.all(Array.from({ length: 200 }, (_, i) => sampleLayer(`text ${i}`)))),
  );
  const path = await tarFile(layout.members());
  const { status, stderr } = spawnSync('sh', ['-c', 'ulimit -n 120 && exec "$0" index "$1"', PROGRAM, path], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: await scratchDirectory(), DEBUG: '' },
  });
  expect([status, stderr]).toEqual([
    1,
    `stratafs: ${path}: the image has 200 different layers, and each needs an open file: more than the limit allows: this process may open no more files: raise the limit (ulimit -Hn, LimitNOFILE=)\n`,
  ]);
});

test('different layers are bounded in memory, all layers together', async () => {
  const layout = new SampleLayout();
  const layers = await Promise.all(Array.from({ length: 40 }, (_, i) => sampleLayer(`text ${10 + i}`)));
  layout.add(layout.image(layers));
  const path = await tarFile(layout.members());
  const image = await openImageSource(path);
  const { index } = (await open(image))[0] as Layer;
  const one = Object.values(index).reduce<number>(
    (sum, column: number | Uint8Array) => sum + (typeof column === 'number' ? 0 : column.byteLength),
    0,
  );
  let done = 0;
  const opening = openLayers(image, {
    cache: new BlockCache(1 << 20),
    store: undefined,
    verify: 'never',
    maxIndexBytes: 10 * one,
    onProgress: (bytes) => (done = bytes),
  });
  await expect(opening).rejects.toThrow(
    `${path}: found 40 layers whose indexes take more than ${10 * one} bytes, expected an image of bounded size`,
  );
  // It is noticed long before all are open.
  expect(done).toBeLessThan(30 * base.tar.length);
});

describe('an empty layer', () => {
  test.each([1024, 10_240])('is %i zero bytes, alone and in a stack', async (size) => {
    const path = join(await scratchDirectory(), 'empty.tar');
    await writeFile(path, Buffer.alloc(size));
    for (const image of [await openImageSource(path), await openLowerStack(`${path}:${path}`)]) {
      for (const { index, compression } of await open(image)) {
        expect([index.dentryCount, compression]).toEqual([1, 'none']);
      }
    }
  });
});

describe('reopenLayers', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  /** As a mount that keeps what it learns in `directory`. */
  const keeping = (directory: string) =>
    ({
      cache: new BlockCache(1 << 20),
      store: new IndexStore(openCache(join(directory, 'cache'))),
      verify: 'when-new',
      directoryMarks: 'trusted',
    }) as const;

  async function openOnce(image: Image, options: ReturnType<typeof keeping>): Promise<void> {
    for (const { layer } of await openLayers(image, options)) layer.close();
  }

  test('answers the bytes of layers that were all opened before, base first', async () => {
    const options = keeping(await scratchDirectory());
    const layout = new SampleLayout();
    const layers = [layout.blob(gzipSync(base.tar), LAYER), layout.blob(top.tar, LAYER)];
    layout.add(layout.image([base, top], {}, { layers }));
    const image = await openImageSource(await tarFile(layout.members()));
    const before = descriptors();
    expect(await reopenLayers(image, options)).toBeUndefined();
    await openOnce(image, options);
    const reopened = (await reopenLayers(image, options)) ?? expect.fail('they were not kept');
    expect(reopened.map(({ diffId }) => diffId)).toEqual([base.diffId, top.diffId]);
    expect(reopened.map(({ digest }) => digest)).toEqual(layers.map(({ digest }) => digest));
    for (const layer of reopened) layer.close();
    expect(descriptors()).toBe(before);
  });

  test('answers nothing, and leaves nothing open, where one layer was not kept', async () => {
    const directory = await scratchDirectory();
    const options = keeping(directory);
    const layout = new SampleLayout();
    layout.add(layout.image([base, top]));
    const image = await openImageSource(await tarFile(layout.members()));
    await openOnce(image, options);
    rmSync(join(directory, `cache/indexes/${top.diffId.slice(7)}.idx`));
    const before = descriptors();
    expect(await reopenLayers(image, options)).toBeUndefined();
    expect(descriptors()).toBe(before);
  });

  test('answers nothing where the config now says that a layer is another, and closes those below it', async () => {
    const options = keeping(await scratchDirectory());
    const layout = new SampleLayout();
    layout.add(layout.image([base, top]));
    const path = await tarFile(layout.members());
    const image = await openImageSource(path);
    await openOnce(image, options);
    const [below, above] = image.layers;
    const layers = [below, { ...above, diffId: base.diffId }] as Image['layers'];
    const before = descriptors();
    const other = { ...image, layers };
    expect(await reopenLayers(other, options)).toBeUndefined();
    expect(descriptors()).toBe(before);
    await expect(openOnce(other, options)).rejects.toThrow(
      `layer 2 of ${path}: found DiffID ${top.diffId}, expected ${base.diffId}`,
    );
    expect(descriptors()).toBe(before);
  });

  test('answers nothing for a stack with a directory in it', async () => {
    const directory = await scratchDirectory();
    const options = keeping(directory);
    await writeFile(join(directory, 'base.tar'), base.tar);
    await mkdir(join(directory, 'top'));
    const image = await openLowerStack(`${join(directory, 'top')}:${join(directory, 'base.tar')}`);
    await openOnce(image, options);
    expect(await reopenLayers(image, options)).toBeUndefined();
  });
});
