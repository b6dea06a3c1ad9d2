// Mounts of a daemon whose layers are in docker-registry. The daemon runs in the test's own process; child processes act on
// its mounts.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readVersion } from '../../../src/cli/version.ts';
import { openImageSource } from '../../../src/image/open-image.ts';
import { ESTARGZ_ANNOTATION } from '../../../src/index-source/estargz.ts';
import { mountByDaemon } from '../../../src/mount/daemon/client.ts';
import { Daemon } from '../../../src/mount/daemon/daemon.ts';
import { pushIndexes, readStatistics } from '../../../src/mount/mount.ts';
import type { MountOptions, OpenImageOptions } from '../../../src/mount/options.ts';
import type { TransferStatistics } from '../../../src/mount/transfers.ts';
import { unmountAt } from '../../../src/mount/unmount.ts';
import { pushImage } from '../../../src/remote/push-image.ts';
import { makeEstargz } from '../../index-source/make-estargz.ts';
import { testOptions } from '../../registry/fake-registry.ts';
import { BreakingProxy } from '../../remote/breaking-proxy.ts';
import { type RemoteImage, pushTwoLayers, stopRemote } from '../../remote/pushed-image.ts';
import { makeLayoutOf } from '../../remote/registry-program.ts';
import { describeWith } from '../../requirements.ts';
import { type Workplace, run, withWorkplace } from '../stratafs.ts';

const snapshot = fileURLToPath(new URL('../../oracle/snapshot.py', import.meta.url));
const version = readVersion();

let remote: RemoteImage;
/** Another registry with the same image. */
let other: BreakingProxy;
let total: number;

interface Running {
  readonly place: Workplace;
  readonly mount: (
    name: string,
    more?: MountOptions & OpenImageOptions,
    host?: string,
    image?: string,
  ) => Promise<void>;
  readonly at: (name: string) => string;
}

function withDaemon(body: (running: Running) => Promise<void>): Promise<void> {
  return withWorkplace(async (place) => {
    const socket = place.path('run/daemon.sock');
    const daemon = await Daemon.start({ socket, cacheSize: 64 << 20, version });
    const cacheDirectory = place.path('cache/stratafs');
    try {
      await body({
        place,
        at: (name) => place.path(name),
        mount: async (name, more = { trustsIndex: true }, host = remote.proxy.host, image = 'app') => {
          mkdirSync(place.path(name), { recursive: true });
          const options = { cacheDirectory, ...more };
          await mountByDaemon(socket, `docker://${host}/${image}:1`, place.path(name), options, version);
        },
      });
    } finally {
      await daemon.end({ lazy: true });
      await daemon.closed;
    }
  });
}

async function look(directory: string): Promise<string> {
  const { status, stdout } = await run('python3', [snapshot, directory]);
  expect(status).toBe(0);
  return stdout;
}

const transfersOf = async (mountpoint: string): Promise<TransferStatistics | undefined> =>
  (await readStatistics(mountpoint)).transfers;

const isBlob = ({ url }: { readonly url: string }): boolean =>
  remote.layout.layerDigests.some((digest) => url.includes(`/blobs/${digest}`));

describeWith(['fuse', { program: 'docker-registry' }], 'a daemon, of layers in a registry,', () => {
  beforeAll(async () => {
    remote = await pushTwoLayers(20, { registry: testOptions() });
    other = await BreakingProxy.start(remote.registry.host);
    total = remote.layout.layers.reduce((sum, { length }) => sum + length, 0);
    const cacheDirectory = join(remote.scratch, 'maker');
    await pushIndexes(`docker://${remote.registry.host}/app:1`, { cacheDirectory });
  });
  beforeEach(() => {
    remote.proxy.blobBytes = other.blobBytes = 0;
  });
  afterEach(() => {
    remote.proxy.nextFault = other.nextFault = () => 'none';
  });
  afterAll(async () => {
    await other.stop();
    await stopRemote(remote);
  });

  it('shows names after few bytes, fetches each chunk once for all mounts, and shows what a whole download shows', () =>
    withDaemon(async ({ place, mount, at }) => {
      await mount('a');
      await mount('b');
      const { stdout } = await run('find', [at('a'), at('b'), '-name', 'file-*']);
      expect(stdout.match(/\n/g)).toHaveLength(40);
      expect(remote.proxy.blobBytes).toBeLessThan(total / 20);
      expect(await transfersOf(at('b'))).toEqual({ missingBytes: total, failures: 0 });
      const { stdout: listed } = await place.stratafs(['ps']);
      expect(listed.match(/not fetched/g)?.length).toBeGreaterThanOrEqual(2);
      const [a, b] = await Promise.all([look(at('a')), look(at('b'))]);
      expect(remote.proxy.blobBytes).toBeLessThan(total * 1.05);
      expect(b).toBe(a);
      const after = await transfersOf(at('a'));
      expect(await transfersOf(at('b'))).toEqual(after);
      // What the top layer hides of the base is never read.
      expect(after?.missingBytes).toBeLessThan(total / 2);
      const oci = `oci:${remote.layout.directory}`;
      expect((await place.stratafs(['mount', oci, place.mountpoint])).status).toBe(0);
      expect(a).toBe(await look(place.mountpoint));
    }));

  it('asks the registry for the manifest of each mount, and shows nothing that it refuses', () =>
    withDaemon(async ({ mount, at }) => {
      await mount('a');
      await look(at('a'));
      const before = remote.proxy.requests.length;
      await mount('b');
      const manifests = remote.proxy.requests
        .slice(before)
        .filter(({ url }) => url.endsWith(`/manifests/${remote.layout.manifestDigest}`));
      expect(manifests.length).toBeGreaterThan(0);
      remote.proxy.nextFault = ({ url }) => (url.includes('/manifests/') ? 403 : 'none');
      await expect(mount('c')).rejects.toThrow('app:1');
      // A client that is not refused itself.
      remote.proxy.nextFault = ({ url }) =>
        url.endsWith(`/manifests/${remote.layout.manifestDigest}`) ? 403 : 'none';
      await expect(mount('c')).rejects.toThrow('403');
    }));

  it('answers EIO for what a registry does not give any more, and serves the rest and other mounts', () =>
    withDaemon(async ({ mount, at }) => {
      await mount('a');
      await run('cat', [at('a/file-3')]);
      remote.proxy.nextFault = (request) => (isBlob(request) ? 404 : 'none');
      expect(await run('cat', [at('a/file-19')])).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('Input/output error') as string,
      });
      expect((await run('cmp', [at('a/file-3'), at('a/file-3')])).status).toBe(0);
      expect((await transfersOf(at('a')))?.lastFailure).toMatch(/^layer 1 of docker:.*404/);
      // The same layers in another registry: both mounts have the bytes from there.
      await mount('b', { trustsIndex: true }, other.host);
      expect((await run('cmp', [at('b/file-19'), at('a/file-19')])).status).toBe(0);
      expect(other.blobBytes).toBeGreaterThan(300_000);
      await unmountAt(at('b'), 'when-free');
      expect((await run('cmp', [at('a/file-19'), at('a/file-3')])).status).toBe(1);
      expect((await run('cat', [at('a/file-12')])).status).toBe(1);
    }));

  it('goes on with what came when a layer is mounted again', () =>
    withDaemon(async ({ place, mount, at }) => {
      await mount('a');
      await run('cat', [at('a/file-19')]);
      const { blobBytes } = remote.proxy;
      for (let round = 0; round < 3; round++) {
        await unmountAt(at('a'), 'when-free');
        await mount('a');
        await run('cat', [at('a/file-19')]);
      }
      // The indexes are in the cache directory, and so are the chunks.
      expect(remote.proxy.blobBytes - blobBytes).toBeLessThan(20_000);
      expect(place.drafts()).toEqual([]);
    }));

  it('fills layers if a mount asks for it, and mounts them as ordinary ones afterwards', () =>
    withDaemon(async ({ place, mount, at }) => {
      await mount('a', { trustsIndex: true, fillsLayers: true });
      const names = remote.layout.layerDigests.map((digest) => `${digest.slice(7)}.blob`);
      const blobs = place.path('cache/stratafs/blobs');
      await expect.poll(() => readdirSync(blobs), { timeout: 20_000 }).toEqual(expect.arrayContaining(names));
      await unmountAt(at('a'), 'when-free');
      await mount('a', {});
      expect(await transfersOf(at('a'))).toBeUndefined();
      // Indexed here by now: an index is not needed to mount the parts.
      await unmountAt(at('a'), 'when-free');
      for (const name of names) rmSync(join(blobs, name));
      await mount('a', {});
      expect(await transfersOf(at('a'))).toEqual({ missingBytes: total, failures: 0 });
    }));

  it('takes writes over them', () =>
    withDaemon(async ({ mount, at }) => {
      mkdirSync(at('upper'));
      await mount('a', { trustsIndex: true, upper: { directory: at('upper') } });
      expect((await run('sh', ['-c', `echo end >>${at('a/file-7')}`])).status).toBe(0);
      const { stdout } = await run('tail', ['-c', '4', at('a/file-7')]);
      expect(stdout).toBe('end\n');
    }));

  it('refuses a client with other credentials, and a mount over its cache', () =>
    withDaemon(async ({ place, mount, at }) => {
      await mount('a');
      await expect(mount('cache')).rejects.toThrow('in which the daemon keeps bytes of registries');
      const { status, stderr } = await place.stratafs(
        [
          ...['mount', '--daemon', '--socket', at('run/daemon.sock'), '-o', 'trust-index'],
          ...[`docker://${remote.proxy.host}/app:1`, at('a')],
        ],
        { env: { ...place.environment, REGISTRY_AUTH_FILE: '/nonexistent' } },
      );
      expect(status).toBe(1);
      expect(stderr).toContain('credentials: found /nonexistent, expected /');
    }));

  it('makes other mounts while a registry is silent about an index that lies in a layer', async () => {
    const sample = makeEstargz([{ name: 'file', bytes: Buffer.alloc(200_000, 'x') }], { chunkSize: 30_000 });
    const layer = {
      ...{ tar: gunzipSync(sample.blob), stored: sample.blob },
      annotations: { [ESTARGZ_ANNOTATION]: sample.digest },
    };
    const layout = makeLayoutOf(join(remote.scratch, 'estargz'), [layer]);
    await pushImage(await openImageSource(layout.directory), `docker://${remote.registry.host}/estargz:1`, {
      ...{ diskCache: undefined, registry: testOptions() },
    });
    await withDaemon(async ({ place, mount, at }) => {
      const blobs = place.path('cache/stratafs/blobs');
      let step: 'client' | 'daemon' | 'silent' = 'client';
      remote.proxy.nextFault = ({ url }) => {
        // The daemon asks by digest, after its client, which has fetched the index: that is lost.
        if (url.endsWith(`/estargz/manifests/${layout.manifestDigest}`)) {
          for (const name of readdirSync(blobs)) rmSync(join(blobs, name));
          step = 'daemon';
        }
        if (step === 'client' || !url.endsWith(`/blobs/${layout.layerDigests[0]}`)) return 'none';
        step = 'silent';
        return 'silent';
      };
      const stop = new AbortController();
      const waiting = mount('a', { signal: stop.signal }, remote.proxy.host, 'estargz');
      const ended = expect(waiting).rejects.toThrow('enough');
      await expect.poll(() => step, { timeout: 20_000 }).toBe('silent');
      await mount('b', { trustsIndex: true }, other.host);
      expect((await run('ls', [at('b')])).stdout).toContain('file-19');
      stop.abort(new Error('enough'));
      await ended;
    });
  });
});
