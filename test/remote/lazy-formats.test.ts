// Images whose layers have an index of another program in them, in docker-registry: opened in parts without an option, read
// right, and never wrong where a transfer or the maker of the image lies.
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { openImageSource } from '../../src/image/open-image.ts';
import { type OpenedLayer, openLayers } from '../../src/image/open-layers.ts';
import { ESTARGZ_ANNOTATION } from '../../src/index-source/estargz.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import { PartialReader, untilRecorded } from '../../src/layer/partial-layer.ts';
import { openRegistryImage } from '../../src/remote/open-registry-image.ts';
import { pushImage } from '../../src/remote/push-image.ts';
import { chunksOf } from '../../src/vfs/chunks.ts';
import { EIO } from '../../src/vfs/errno.ts';
import { type Estargz, makeEstargz, payloadOf, withToc } from '../index-source/make-estargz.ts';
import { inodeAt } from '../layer/show-index.ts';
import { testOptions } from '../registry/fake-registry.ts';
import { describeWith } from '../requirements.ts';
import { BreakingProxy } from './breaking-proxy.ts';
import { stopRemote } from './pushed-image.ts';
import { type RegistryProgram, makeLayoutOf, startRegistry } from './registry-program.ts';

const FILES = Array.from({ length: 40 }, (_, i) => ({ name: `file-${i}`, bytes: randomBytes(100_000) }));
const SIZE = 100_000;
const sample = makeEstargz(FILES, { chunkSize: 30_000 });

let scratch: string;
let registry: RegistryProgram;
let proxy: BreakingProxy;
let diskCache: CacheDirectory;
let number = 0;
const failures: string[] = [];

const registryOptions = (): { registry: ReturnType<typeof testOptions> } => ({
  registry: { ...testOptions(), timeouts: { connect: 5_000, answer: 2_000, body: 500 } },
});

/** Pushes the layer as the image `name`, whose manifest states the digest. */
async function push(name: string, { blob, digest }: Estargz): Promise<void> {
  const tar = gunzipSync(blob);
  const layer = { tar, stored: blob, annotations: { [ESTARGZ_ANNOTATION]: digest } };
  const { directory } = makeLayoutOf(join(scratch, name), [layer]);
  const source = await openImageSource(directory);
  await pushImage(source, `docker://${registry.host}/${name}:1`, {
    diskCache: undefined,
    ...registryOptions(),
  });
}

async function withLayer(
  name: string,
  use: (layer: OpenedLayer['layer']) => Promise<void>,
  rules: { readonly needsTar?: boolean } = {},
): Promise<void> {
  const image = await openRegistryImage(`docker://${proxy.host}/${name}:1`, {
    diskCache,
    ...registryOptions(),
  });
  const layers = await openLayers(image, {
    ...{ cache: new BlockCache(1 << 20), store: new IndexStore(diskCache), verify: 'when-new' },
    ...{ opensParts: true, ...rules, onFailure: (text: string) => failures.push(text) },
  });
  try {
    await use((layers[0] as OpenedLayer).layer);
  } finally {
    for (const { layer } of layers) layer.close();
    await untilRecorded(layers.map(({ layer }) => layer.reader));
    image.release?.();
  }
}

/** True if the file has the right bytes; a negative errno. */
async function isRight({ index, reader }: OpenedLayer['layer'], file: number): Promise<boolean | number> {
  const { name, bytes } = FILES[file] ?? expect.fail('no such file');
  const result = await reader.read(index.dataOffset[inodeAt(index, name)] as number, SIZE);
  if (typeof result === 'number') return result;
  return result instanceof Uint8Array && bytes.equals(result);
}

async function expectAllRight(layer: OpenedLayer['layer']): Promise<void> {
  for (const file of FILES.keys()) expect(await isRight(layer, file), `file ${file}`).toBe(true);
}

const isPartial = ({ reader }: OpenedLayer['layer']): boolean => reader instanceof PartialReader;

async function fill({ reader }: OpenedLayer['layer']): Promise<void> {
  if (reader instanceof PartialReader) await reader.fill();
}

describeWith([{ program: 'docker-registry' }], 'an eStargz layer', () => {
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'stratafs-lazy-formats-'));
    registry = await startRegistry(join(scratch, 'registry'));
    proxy = await BreakingProxy.start(registry.host);
    await push('app', sample);
  });
  beforeEach(() => {
    diskCache = CacheDirectory.open(join(scratch, `cache-${++number}`)) ?? expect.fail('no cache directory');
    failures.length = 0;
    proxy.blobBytes = 0;
  });
  afterEach(() => {
    proxy.nextFault = () => 'none';
  });
  afterAll(() => stopRemote({ scratch, registry, proxy }));

  it('are fetched whole for a mount that needs their tar', async () => {
    await push('for-erofs', sample);
    await withLayer(
      'for-erofs',
      async (layer) => {
        expect(layer.reader).not.toBeInstanceOf(PartialReader);
        expect(await isRight(layer, 7)).toBe(true);
      },
      { needsTar: true },
    );
  });

  it('shows its names after its table, and a file after its members', async () => {
    await withLayer('app', async (layer) => {
      expect([isPartial(layer), layer.digest, layer.diffId]).toEqual([true, undefined, undefined]);
      expect(layer.index.dentryCount).toBe(41);
      expect(proxy.blobBytes).toBeLessThan(140_000);
      expect(await isRight(layer, 20)).toBe(true);
      expect(proxy.blobBytes).toBeLessThan(140_000 + 4 * 65_536);
      await expectAllRight(layer);
      expect(failures).toEqual([]);
    });
  });

  it('goes on with what came before, and is an ordinary layer once it is whole', async () => {
    await withLayer('app', async (layer) => {
      expect(await isRight(layer, 20)).toBe(true);
    });
    proxy.blobBytes = 0;
    await withLayer('app', async (layer) => {
      expect([isPartial(layer), await isRight(layer, 20), proxy.blobBytes]).toEqual([true, true, 0]);
      await fill(layer);
      await expectAllRight(layer);
      expect(failures).toEqual([]);
    });
    await withLayer('app', (layer) => {
      expect([isPartial(layer), layer.index.dentryCount]).toEqual([false, 42]);
      return Promise.resolve();
    });
  });

  it('is fetched by a list of the parts that an earlier run read', async () => {
    let ranges: PartialReader['readRanges'] = [];
    await withLayer('app', async (layer) => {
      const { reader } = layer;
      if (!(reader instanceof PartialReader)) expect.fail('is not partial');
      expect(reader.readRanges).toEqual([]);
      expect(await isRight(layer, 20)).toBe(true);
      ranges = reader.readRanges;
    });
    const listed = ranges.reduce((sum, { length }) => sum + length, 0);
    expect(listed).toBeGreaterThanOrEqual(SIZE);
    diskCache = CacheDirectory.open(join(scratch, `cache-${++number}`)) ?? expect.fail('no cache directory');
    await withLayer('app', async (layer) => {
      const { reader } = layer;
      if (!(reader instanceof PartialReader)) expect.fail('is not partial');
      const { missingBytes } = reader;
      reader.prefetch(ranges);
      await expect.poll(() => missingBytes - reader.missingBytes, { timeout: 20_000 }).toBe(listed);
      const { blobBytes } = proxy;
      expect([await isRight(layer, 20), proxy.blobBytes - blobBytes]).toEqual([true, 0]);
      expect(failures).toEqual([]);
    });
  });

  it('is fetched again where a transfer lies', async () => {
    // Each chunk comes wrong at most once.
    const seen = new Set<number>();
    proxy.nextFault = ({ url, range = '' }) => {
      const [, start, end] = /(\d+)-(\d+)$/.exec(range) ?? [];
      if (!url.includes('/blobs/') || start === undefined) return 'none';
      const { first, end: stop } = chunksOf(Number(start), Number(end) + 1 - Number(start));
      const chunks = Array.from({ length: stop - first }, (_, i) => first + i);
      const isNew = !chunks.some((chunk) => seen.has(chunk));
      for (const chunk of chunks) seen.add(chunk);
      return isNew ? 'lie' : 'none';
    };
    await withLayer('app', async (layer) => {
      expect(isPartial(layer)).toBe(true);
      await expectAllRight(layer);
      expect(failures).toEqual([]);
      await fill(layer);
      expect(failures).toEqual([]);
    });
  });

  it('answers EIO where all transfers lie, and right bytes once they do not', async () => {
    await withLayer('app', async (layer) => {
      proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? 'lie' : 'none');
      const results = new Set<boolean | number>();
      for (const file of FILES.keys()) results.add(await isRight(layer, file));
      expect([results.has(-EIO), results.has(false)]).toEqual([true, false]);
      expect(failures.join()).toMatch(/^layer 1 of .*: bytes \d+ to \d+ are not those that were indexed/);
      proxy.nextFault = () => 'none';
      await expectAllRight(layer);
    });
  });

  it('is fetched as a whole if the manifest states another digest, or the table can not be used', async () => {
    const toc = structuredClone(sample.toc);
    Object.assign(toc.entries[3] ?? {}, { chunkOffset: 5 });
    await push('other-digest', { ...sample, digest: `sha256:${'0'.repeat(64)}` });
    await push('bad-table', withToc(payloadOf(sample), toc));
    for (const name of ['other-digest', 'bad-table']) {
      await withLayer(name, async (layer) => {
        expect(isPartial(layer)).toBe(false);
        await expectAllRight(layer);
      });
    }
  });

  it('is EIO from then on if it turns out to be another than its table states', async () => {
    const toc = structuredClone(sample.toc);
    Object.assign(toc.entries[0] ?? {}, { mode: 0o4755 });
    await push('liar', withToc(payloadOf(sample), toc));
    await withLayer('liar', async (layer) => {
      expect(await isRight(layer, 0)).toBe(true);
      await fill(layer);
      expect(failures).toEqual([
        expect.stringMatching(/: the index that was believed is not that of the layer: 'file-0' differs$/),
      ]);
      expect(await isRight(layer, 0)).toBe(-EIO);
    });
  });

  it('whose table states another digest of a chunk answers EIO for that file alone', async () => {
    const toc = structuredClone(sample.toc);
    Object.assign(toc.entries[1] ?? {}, { chunkDigest: toc.entries[0]?.['chunkDigest'] });
    await push('wrong-chunk', withToc(payloadOf(sample), toc));
    await withLayer('wrong-chunk', async (layer) => {
      expect([await isRight(layer, 0), await isRight(layer, 1)]).toEqual([-EIO, true]);
    });
  });
});
