// Index artifacts in docker-registry: names are there after few bytes, files after those of their spans, and a forged or
// damaged index shows nothing wrong for good.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { Image } from '../../src/image/image.ts';
import { type OpenedLayer, openLayers } from '../../src/image/open-layers.ts';
import { descriptorOf, replaceArtifact, writeManifest } from '../../src/index-source/artifact.ts';
import { encodeParts } from '../../src/index-source/layer-parts.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import { PartialReader, untilRecorded } from '../../src/layer/partial-layer.ts';
import type { IndexTrust } from '../../src/remote/find-index.ts';
import { openRegistryImage } from '../../src/remote/open-registry-image.ts';
import { type PushedIndex, pushIndex } from '../../src/remote/push-index.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { testOptions } from '../registry/fake-registry.ts';
import { describeWith } from '../requirements.ts';
import type { BreakingProxy } from './breaking-proxy.ts';
import { type RemoteImage, pushTwoLayers, stopRemote } from './pushed-image.ts';
import { readRangeOf } from './read-range.ts';
import type { MadeImage } from './registry-program.ts';

const TRUSTED: IndexTrust = { trustsIndex: true };
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

let remote: RemoteImage;
let scratch: string;
let layout: MadeImage;
let tars: readonly Buffer[];
let proxy: BreakingProxy;
let pushed: PushedIndex;
let makerStore: IndexStore;
let cacheNumber = 0;
let diskCache: CacheDirectory;
const failures: string[] = [];

const registryOptions = (): { registry: ReturnType<typeof testOptions> } => ({
  registry: { ...testOptions(), timeouts: { connect: 5_000, answer: 2_000, body: 500 } },
});

const openCache = (): CacheDirectory =>
  CacheDirectory.open(join(scratch, `cache-${++cacheNumber}`)) ?? expect.fail('no cache directory');

const openImage = (trust: IndexTrust, cache = diskCache): Promise<Image> =>
  openRegistryImage(`docker://${proxy.host}/app:1`, { diskCache: cache, ...registryOptions(), ...trust });

function layersOf(image: Image, cache = diskCache): Promise<OpenedLayer[]> {
  return openLayers(image, {
    ...{ cache: new BlockCache(64 << 20), store: new IndexStore(cache), verify: 'when-new' },
    ...{ opensParts: true, onFailure: (text: string) => failures.push(text) },
  });
}

async function withLayers(trust: IndexTrust, use: (layers: OpenedLayer[]) => Promise<void>): Promise<void> {
  const image = await openImage(trust);
  const layers = await layersOf(image);
  try {
    await use(layers);
  } finally {
    for (const { layer } of layers) layer.close();
    await untilRecorded(layers.map(({ layer }) => layer.reader));
  }
}

/** True if a layer has the right bytes there; a negative errno. */
async function isRight(
  layers: OpenedLayer[],
  number: number,
  offset: number,
  length: number,
): Promise<boolean | number> {
  const result = (await layers[number]?.layer.reader.read(offset, length)) ?? expect.fail('no layer');
  if (typeof result === 'number') return result;
  const bytes = result instanceof FileRange ? readRangeOf(result) : Buffer.from(result);
  return bytes.equals(tars[number]?.subarray(offset, offset + length) ?? Buffer.alloc(0));
}

async function fillAll(layers: OpenedLayer[]): Promise<void> {
  for (const { layer } of layers) if (layer.reader instanceof PartialReader) await layer.reader.fill();
}

const isPartial = (layers: OpenedLayer[]): boolean[] =>
  layers.map(({ layer }) => layer.reader instanceof PartialReader);

/** What the proxy answers of an artifact that the registry doesn't have. */
function serveForged(names: Buffer, windows: Uint8Array): void {
  const layer = layout.layerDigests[0] ?? '';
  const blobs = { names: descriptorOf(names), windows: descriptorOf(windows) };
  const subject = { mediaType: 'x', digest: layout.manifestDigest, size: 1 };
  const manifest = writeManifest(subject, new Map([[layer, blobs]]));
  const artifact = descriptorOf(manifest);
  const list = replaceArtifact(undefined, artifact);
  const bodies = new Map([
    [`/referrers/${layout.manifestDigest}`, list],
    [`/manifests/${artifact.digest}`, manifest],
    [`/blobs/${blobs.names.digest}`, names],
    [`/blobs/${blobs.windows.digest}`, Buffer.from(windows)],
  ]);
  proxy.ownAnswer = ({ url }) => {
    const found = [...bodies].find(([path]) => url.includes(path));
    return found === undefined ? undefined : { type: INDEX_TYPE, body: found[1] };
  };
}

describeWith([{ program: 'docker-registry' }], 'an index artifact', () => {
  beforeAll(async () => {
    remote = await pushTwoLayers(60, registryOptions());
    ({ scratch, layout, tars, proxy } = remote);
    const maker = openCache();
    makerStore = new IndexStore(maker);
    const image = await openImage({}, maker);
    for (const { layer } of await layersOf(image, maker)) layer.close();
    pushed = await pushIndex(image, { store: makerStore, ...registryOptions() });
  });
  beforeEach(() => {
    diskCache = openCache();
    failures.length = 0;
    proxy.blobBytes = 0;
  });
  afterEach(() => {
    proxy.nextFault = () => 'none';
    proxy.ownAnswer = () => undefined;
  });
  afterAll(() => stopRemote(remote));

  it('gives the names after a small share of the bytes, and a file after its spans', async () => {
    expect(pushed.layers).toBe(2);
    const total = layout.layers.reduce((sum, { length }) => sum + length, 0);
    await withLayers(TRUSTED, async (layers) => {
      expect(layers.map(({ layer }) => layer.index.dentryCount)).toEqual([61, 12]);
      expect(proxy.blobBytes).toBeLessThan(total / 500);
      // Nothing that is made from unverified bytes is saved under their name.
      expect(layers.map(({ layer }) => [layer.digest, layer.diffId])).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ]);
      expect(await isRight(layers, 0, 9_500_000, 5000)).toBe(true);
      expect(await isRight(layers, 1, 2_500_000, 5000)).toBe(true);
      // A span of a megabyte with its chunks, chunks of windows, a chunk of the plain layer.
      expect(proxy.blobBytes).toBeLessThan(1_700_000);
      expect(await isRight(layers, 0, 0, tars[0]?.length ?? 0)).toBe(true);
      expect(failures).toEqual([]);
    });
  });

  it('is not asked for unless it is to be believed', async () => {
    proxy.requests.length = 0;
    await withLayers({}, async (layers) => {
      expect(isPartial(layers)).toEqual([false, false]);
      expect(await isRight(layers, 0, 1000, 5000)).toBe(true);
    });
    expect(proxy.requests.filter(({ url }) => /referrers|sha256-/.test(url))).toEqual([]);
  });

  it('is not fetched without a cache directory, which layers could stay in as parts', async () => {
    const image = await openRegistryImage(`docker://${proxy.host}/app:1`, {
      ...{ diskCache: undefined, ...registryOptions(), ...TRUSTED },
    });
    proxy.requests.length = 0;
    const cache = new BlockCache(64 << 20);
    const layers = await openLayers(image, { cache, store: undefined, verify: 'when-new', opensParts: true });
    expect(isPartial(layers)).toEqual([false, false]);
    expect(await isRight(layers, 0, 1000, 5000)).toBe(true);
    expect(proxy.requests.filter(({ url }) => /referrers|sha256-/.test(url))).toEqual([]);
    for (const { layer } of layers) layer.close();
    image.release?.();
  });

  it('is believed by its digest alone', async () => {
    await withLayers({ indexDigest: pushed.digest }, async (layers) => {
      expect(isPartial(layers)).toEqual([true, true]);
      expect(await isRight(layers, 0, 5_000_000, 5000)).toBe(true);
    });
    await expect(withLayers({ indexDigest: layout.manifestDigest }, () => Promise.resolve())).rejects.toThrow(
      /is not a stratafs index of the image/,
    );
  });

  it('is taken over by an own index once a layer is whole', async () => {
    await withLayers(TRUSTED, async (layers) => {
      await fillAll(layers);
      expect(failures).toEqual([]);
      expect(await isRight(layers, 0, 3_000_000, 2_000_000)).toBe(true);
    });
    await withLayers({}, (layers) => {
      expect(isPartial(layers)).toEqual([false, false]);
      expect(layers.map(({ wasRead }) => wasRead)).toEqual([false, false]);
      return Promise.resolve();
    });
  });

  it('whose windows are damaged on the way answers EIO, and never wrong bytes', async () => {
    await withLayers(TRUSTED, async (layers) => {
      // The names have come: the only other blob is that of the windows.
      proxy.nextFault = ({ url }) =>
        url.includes('/blobs/') && !url.includes(layout.layerDigests[0] ?? '') ? 'lie' : 'none';
      expect(await isRight(layers, 0, 2_500_000, 5000)).toBe(-EIO);
      expect(failures.join()).toMatch(/are not those that were indexed/);
    });
  });

  it('that is found by the referrers API is used, and one that is malformed or of another layer is not', async () => {
    const [digest, other] = layout.layerDigests.map((each) => each.slice('sha256:'.length));
    const own = (await makerStore.loadIndex(digest ?? '')) ?? expect.fail('no index');
    const good = await encodeParts(own);
    serveForged(good.names, good.windows);
    await withLayers(TRUSTED, (layers) => {
      expect(isPartial(layers)).toEqual([true, false]);
      return Promise.resolve();
    });
    const another = await encodeParts((await makerStore.loadIndex(other ?? '')) ?? expect.fail('no index'));
    const cut = gunzipSync(good.names).subarray(0, 1000);
    for (const names of [another.names, randomBytes(1000), good.names.subarray(0, 500), cut]) {
      diskCache = openCache();
      serveForged(names, good.windows);
      await withLayers(TRUSTED, async (layers) => {
        expect(isPartial(layers)).toEqual([false, false]);
        expect(await isRight(layers, 0, 1000, 5000)).toBe(true);
      });
    }
  });

  it('whose names the registry has lost is left out', async () => {
    const digest = layout.layerDigests[0]?.slice('sha256:'.length) ?? '';
    const good = await encodeParts((await makerStore.loadIndex(digest)) ?? expect.fail('no index'));
    serveForged(Buffer.concat([good.names, Buffer.from('x')]), good.windows);
    const answerAll = proxy.ownAnswer;
    proxy.ownAnswer = (request) => (request.url.includes('/blobs/') ? undefined : answerAll(request));
    await withLayers(TRUSTED, async (layers) => {
      expect(isPartial(layers)).toEqual([false, false]);
      expect(await isRight(layers, 0, 1000, 5000)).toBe(true);
    });
  });

  it('that is forged is EIO once the layer is whole', async () => {
    const digest = layout.layerDigests[0]?.slice('sha256:'.length) ?? '';
    const own = (await makerStore.loadIndex(digest)) ?? expect.fail('no index');
    own.index.mode[1] = 0o104755;
    const forged = await encodeParts(own);
    serveForged(forged.names, forged.windows);
    await withLayers(TRUSTED, async (layers) => {
      expect(isPartial(layers)).toEqual([true, false]);
      await fillAll(layers);
      expect(failures.join()).toMatch(
        /^layer 1 of .*: the index that was believed is not that of the layer$/,
      );
      expect(await isRight(layers, 0, 1000, 5000)).toBe(-EIO);
    });
  });

  it('with other windows than those of the layer is EIO once the layer is whole', async () => {
    const digest = layout.layerDigests[0]?.slice('sha256:'.length) ?? '';
    const own = (await makerStore.loadIndex(digest)) ?? expect.fail('no index');
    const { windows, windowOffset, count } = own.spans;
    const last = windowOffset[count - 1] ?? 0;
    windows[last + 9] = (windows[last + 9] ?? 0) ^ 1;
    const forged = await encodeParts(own);
    serveForged(forged.names, forged.windows);
    await withLayers(TRUSTED, async (layers) => {
      expect(isPartial(layers)).toEqual([true, false]);
      // It brings the window. A read may notice that its bytes are wrong.
      await isRight(layers, 0, (tars[0]?.length ?? 0) - 5000, 5000);
      failures.length = 0;
      await fillAll(layers);
      expect(failures.join()).toMatch(/: the index that was believed is not that of the layer$/);
      expect(await isRight(layers, 0, 1000, 5000)).toBe(-EIO);
    });
  });
});
