// Layers of docker-registry that are opened before their bytes are here: what is read is fetched, and nothing wrong is shown.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { Image } from '../../src/image/image.ts';
import { type OpenLayersOptions, type OpenedLayer, openLayers } from '../../src/image/open-layers.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import { PartialReader, untilRecorded } from '../../src/layer/partial-layer.ts';
import { openRegistryImage } from '../../src/remote/open-registry-image.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { testOptions } from '../registry/fake-registry.ts';
import { describeWith } from '../requirements.ts';
import { readRangeOf } from './read-range.ts';
import type { BreakingProxy } from './breaking-proxy.ts';
import { type RemoteImage, pushTwoLayers, stopRemote } from './pushed-image.ts';
import type { MadeImage } from './registry-program.ts';

let remote: RemoteImage;
let scratch: string;
let layout: MadeImage;
let tars: readonly Buffer[];
let proxy: BreakingProxy;
let cacheNumber = 0;
let diskCache: CacheDirectory;
const failures: string[] = [];

const registryOptions = (): { registry: ReturnType<typeof testOptions> } => ({
  registry: { ...testOptions(), timeouts: { connect: 5_000, answer: 500, body: 300 } },
});

function layersOf(image: Image, more: Partial<OpenLayersOptions> = {}): Promise<OpenedLayer[]> {
  return openLayers(image, {
    ...{ cache: new BlockCache(64 << 20), store: new IndexStore(diskCache), verify: 'when-new' },
    ...{ opensParts: true, onFailure: (text: string) => failures.push(text) },
    ...more,
  });
}

const openImage = (): Promise<Image> =>
  openRegistryImage(`docker://${proxy.host}/app:1`, { diskCache, ...registryOptions() });

/** The bytes of a layer at `offset`; a negative errno. */
async function bytesAt(
  layer: OpenedLayer | undefined,
  offset: number,
  length: number,
): Promise<Buffer | number> {
  const result = await layer?.layer.reader.read(offset, length);
  if (result === undefined) expect.fail('no layer');
  if (typeof result === 'number') return result;
  return result instanceof FileRange ? readRangeOf(result) : Buffer.from(result);
}

async function expectRight(
  layer: OpenedLayer | undefined,
  number: number,
  offset: number,
  length: number,
): Promise<void> {
  const bytes = await bytesAt(layer, offset, length);
  const expected = tars[number]?.subarray(offset, offset + length);
  expect(typeof bytes === 'number' ? bytes : bytes.equals(expected ?? Buffer.alloc(0))).toBe(true);
}

async function closeAll(layers: readonly OpenedLayer[]): Promise<void> {
  for (const { layer } of layers) layer.close();
  await untilRecorded(layers.map(({ layer }) => layer.reader));
}

const blobFiles = (suffix: string): string[] =>
  readdirSync(join(scratch, `cache-${cacheNumber}`, 'blobs')).filter((name) => name.endsWith(suffix));
const layerFiles = (): string[] => layout.layerDigests.map((digest) => `${digest.slice(7)}.blob`).sort();

/** Makes the indexes, and drops the blobs, as the budget of the cache would. */
async function indexAndDrop(): Promise<void> {
  const image = await openImage();
  await closeAll(await layersOf(image));
  for (const name of layerFiles()) rmSync(join(scratch, `cache-${cacheNumber}`, 'blobs', name));
  proxy.blobBytes = 0;
}

describeWith([{ program: 'docker-registry' }], 'a layer that is partly here', () => {
  beforeAll(async () => {
    remote = await pushTwoLayers(30, registryOptions());
    ({ scratch, layout, tars, proxy } = remote);
  });
  beforeEach(async () => {
    const opened = CacheDirectory.open(join(scratch, `cache-${++cacheNumber}`));
    diskCache = opened ?? expect.fail('no cache directory');
    await indexAndDrop();
    failures.length = 0;
  });
  afterEach(() => {
    proxy.nextFault = () => 'none';
  });
  afterAll(() => stopRemote(remote));

  it('is opened with the index that was made here, and only what is read is fetched', async () => {
    const image = await openImage();
    const layers = await layersOf(image);
    expect(layers.map(({ layer }) => layer.index.dentryCount)).toEqual([31, 12]);
    expect(layers.map(({ layer }) => layer.digest)).toEqual(layout.layerDigests);
    expect(proxy.blobBytes).toBe(0);
    for (const [i, layer] of layers.entries()) {
      await expectRight(layer, i, 2_500_000, 5000);
    }
    // A span of a megabyte and what it touches; one chunk, and what lies beside it.
    expect(proxy.blobBytes).toBeLessThan(1_700_000);
    await closeAll(layers);
    expect(blobFiles('.part')).toHaveLength(2);
  });

  it('becomes an ordinary file when all has come, and what came serves the next mount', async () => {
    const image = await openImage();
    const layers = await layersOf(image);
    await bytesAt(layers[0], 0, 1_000_000);
    await closeAll(layers);
    const again = await openImage();
    const reopened = await layersOf(again);
    proxy.blobBytes = 0;
    for (const { layer } of reopened) {
      if (layer.reader instanceof PartialReader) await layer.reader.fill();
    }
    const total = layout.layers.reduce((sum, { length }) => sum + length, 0);
    expect(proxy.blobBytes).toBeLessThan(total - 900_000);
    expect(failures).toEqual([]);
    expect(blobFiles('.part')).toEqual([]);
    expect(blobFiles('.blob')).toEqual(expect.arrayContaining(layerFiles()));
    for (const [i, layer] of reopened.entries()) {
      await expectRight(layer, i, 2_000_000, 1_000_000);
    }
    await closeAll(reopened);
  });

  it('answers EIO for bytes that are always wrong, by name, and never shows them', async () => {
    const image = await openImage();
    const layers = await layersOf(image);
    proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? 'lie' : 'none');
    for (const layer of layers) expect(await bytesAt(layer, 2_500_000, 5000)).toBe(-EIO);
    expect(failures).toEqual([
      expect.stringMatching(/^layer 1 of .*: blob .*: bytes \d+ to \d+ are not those that were indexed$/),
      expect.stringMatching(/^layer 2 of .*: blob .*: bytes \d+ to \d+ are not those that were indexed$/),
    ]);
    proxy.nextFault = () => 'none';
    await expectRight(layers[0], 0, 2_500_000, 5000);
    await closeAll(layers);
  });

  it('costs no byte and no EIO where another attempt helps', async () => {
    const image = await openImage();
    const layers = await layersOf(image);
    const faults = ['reset', 503, 'lie', 429, 'cut', 'stall', 'whole', 'lie'] as const;
    const left = [...faults];
    proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? (left.shift() ?? 'none') : 'none');
    for (const [i, layer] of layers.entries()) {
      await expectRight(layer, i, 0, 2_900_000);
    }
    expect(failures).toEqual([]);
    await closeAll(layers);
  });

  it('that nobody sends any more is EIO by name, and no wait without end', async () => {
    const image = await openImage();
    const layers = await layersOf(image);
    proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? 'silent' : 'none');
    expect(await bytesAt(layers[0], 1_000_000, 1_500_000)).toBe(-EIO);
    expect(failures.join()).toMatch(/^layer 1 of docker:.*: /);
    await closeAll(layers);
  });

  it('is fetched whole without an index, and if all is to be verified', async () => {
    for (const more of [{ verify: 'always' as const }, { store: undefined }]) {
      const image = await openImage();
      const layers = await layersOf(image, more);
      expect(blobFiles('.blob')).toEqual(expect.arrayContaining(layerFiles()));
      await closeAll(layers);
      await indexAndDrop();
    }
  });
});
