// A proxy before docker-registry that breaks transfers in all ways: what comes through is right, or an error by name.
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openRegistryImage } from '../../src/remote/open-registry-image.ts';
import { pushImage } from '../../src/remote/push-image.ts';
import { fetchLayers } from '../../src/image/fetch-layers.ts';
import { openImageSource } from '../../src/image/open-image.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { digestOf, testOptions } from '../registry/fake-registry.ts';
import { describeWith } from '../requirements.ts';
import { BreakingProxy, type Fault } from './breaking-proxy.ts';
import { stopRemote } from './pushed-image.ts';
import { type MadeImage, type RegistryProgram, makeLayout, startRegistry } from './registry-program.ts';

let scratch: string;
let layout: MadeImage;
let registry: RegistryProgram;
let proxy: BreakingProxy;
let cacheNumber = 0;

const options = (): { diskCache: CacheDirectory | undefined; registry: ReturnType<typeof testOptions> } => ({
  diskCache: CacheDirectory.open(join(scratch, `cache-${++cacheNumber}`)),
  registry: { ...testOptions(), timeouts: { connect: 5_000, answer: 2_000, body: 500 } },
});

async function pullAll(): Promise<void> {
  const image = await openRegistryImage(`docker://${proxy.host}/app:1`, options());
  await fetchLayers(image.layers, {});
  const bytes = image.layers.map((layer) =>
    layer.kind === 'blob' ? readFileSync(layer.blob.path) : Buffer.alloc(0),
  );
  expect(bytes.map(digestOf)).toEqual(layout.layers.map(digestOf));
}

describeWith([{ program: 'docker-registry' }], 'a proxy that breaks transfers', () => {
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'stratafs-breaking-'));
    layout = await makeLayout(join(scratch, 'layout'));
    registry = await startRegistry(join(scratch, 'registry'));
    proxy = await BreakingProxy.start(registry.host);
    await pushImage(await openImageSource(layout.directory), `docker://${registry.host}/app:1`, options());
  });
  afterEach(() => {
    proxy.nextFault = () => 'none';
  });
  afterAll(() => stopRemote({ scratch, registry, proxy }));

  it.each<readonly [string, readonly Fault[]]>([
    ['resets connections', ['reset', 'reset', 'reset']],
    ['fails and is busy', [500, 503, 429, 502]],
    ['cuts transfers', ['cut', 'cut', 'cut', 'cut', 'cut', 'cut']],
    ['stalls', ['stall', 'stall']],
    ['answers 200 for 206', ['cut', 'cut', 'cut', 'whole']],
    ['changes bytes of blobs', ['none', 'lie', 'lie']],
  ])('that %s costs no byte', async (_, faults) => {
    const left = [...faults];
    proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? (left.shift() ?? 'none') : 'none');
    await pullAll();
    expect(left).toEqual([]);
  });

  it('that changes bytes for ever is an error by name, and leaves no whole blob', async () => {
    proxy.nextFault = ({ url }) => (url.includes('/blobs/') ? 'lie' : 'none');
    await expect(pullAll()).rejects.toThrow(/found bytes of sha256:.*, expected sha256:/);
    const names = readdirSync(join(scratch, `cache-${cacheNumber}`, 'blobs'));
    expect(names.filter((name) => name.endsWith('.blob'))).toEqual([
      `${layout.manifestDigest.slice(7)}.blob`,
    ]);
  });

  it('that stops a pull leaves what came, and the next pull goes on there', async () => {
    const abort = new AbortController();
    const chosen = options();
    const source = `docker://${proxy.host}/app:1`;
    const image = await openRegistryImage(source, chosen);
    const onFetch = (done: number): void => {
      if (done > 1_000_000) abort.abort(new Error('stop'));
    };
    await expect(fetchLayers(image.layers, { signal: abort.signal, onFetch })).rejects.toThrow('stop');
    proxy.requests.length = 0;
    const again = await openRegistryImage(source, chosen);
    await fetchLayers(again.layers, {});
    const starts = proxy.requests.flatMap(
      ({ range }) =>
        /^bytes=(\d+)-(\d+)$/
          .exec(range ?? '')
          ?.slice(1, 3)
          .map(Number) ?? [],
    );
    expect(starts[0]).toBeGreaterThan(1_000_000 - (layout.layers[0]?.length ?? 0) - 1);
  });

  it('costs a push no byte', async () => {
    const faults: Fault[] = ['reset', 503, 429, 'reset', 'none', 'reset', 502, 'reset'];
    proxy.nextFault = () => faults.shift() ?? 'none';
    const pushed = await pushImage(
      await openImageSource(layout.directory),
      `docker://${proxy.host}/again:1`,
      options(),
    );
    expect(pushed.digest).toBe(layout.manifestDigest);
    expect(faults).toEqual([]);
    proxy.nextFault = () => 'none';
    const image = await openRegistryImage(`docker://${registry.host}/again:1`, options());
    expect(image.id).toBe(layout.configDigest);
  });
});
