// Mounts by the kernel's EROFS driver of an image in docker-registry, before its layers are here.
// The registry's proxy is in the test's own process, so child processes act on the mounts.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { pushIndexes } from '../../src/mount/mount.ts';
import type { MountStatistics } from '../../src/mount/served-mount.ts';
import { showDockerSize } from '../../src/inspect/docker-size.ts';
import { testOptions } from '../registry/fake-registry.ts';
import { type RemoteImage, pushTwoLayers, stopRemote } from '../remote/pushed-image.ts';
import { describeWith } from '../requirements.ts';
import { EROFS, needs } from './erofs.ts';
import { type Workplace, run, withMounted, withWorkplace } from './stratafs.ts';

const snapshot = fileURLToPath(new URL('../oracle/snapshot.py', import.meta.url));
const registry = { program: 'docker-registry' };
const TRUSTED = ['-o', 'trust-index'];

let remote: RemoteImage;
let source: string;
let total: number;

beforeAll(async () => {
  remote = await pushTwoLayers(30, { registry: testOptions() });
  source = `docker://${remote.proxy.host}/app:1`;
  total = remote.layout.layers.reduce((sum, { length }) => sum + length, 0);
  const cacheDirectory = join(remote.scratch, 'maker');
  await pushIndexes(`docker://${remote.registry.host}/app:1`, { cacheDirectory });
});
beforeEach(() => {
  remote.proxy.blobBytes = 0;
});
afterEach(() => {
  remote.proxy.nextFault = () => 'none';
});
afterAll(() => stopRemote(remote));

async function succeed(place: Workplace, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.stratafs(args);
  expect([status, stderr]).toEqual([0, expect.anything()]);
  return stdout;
}

async function statisticsOf(place: Workplace): Promise<MountStatistics> {
  return JSON.parse(await succeed(place, 'stats', '--json', place.mountpoint)) as MountStatistics;
}

async function print(program: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(program, args);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

const isLayer = ({ url }: { readonly url: string }): boolean =>
  remote.layout.layerDigests.some((digest) => url.includes(`/blobs/${digest}`));

describeWith([...needs, registry], 'driver=erofs, of layers in a registry,', () => {
  it('shows the names after few bytes, fetches what is read, and shows what a whole download shows', async () => {
    await withMounted(
      source,
      async (place) => {
        const names = await print('find', place.mountpoint, '-type', 'f');
        expect(names.match(/\n/g)).toHaveLength(31);
        expect(remote.proxy.blobBytes).toBeLessThan(total / 20);
        expect(await succeed(place, 'ps')).toMatch(/Up \([\d.]+ ?MB not fetched\)/);
        expect((await statisticsOf(place)).transfers).toEqual({ missingBytes: total, failures: 0 });
        // One of the plain layer, and one of the gzip layer.
        for (const name of ['file-4', 'file-25']) await print('cat', join(place.mountpoint, name));
        expect(remote.proxy.blobBytes).toBeGreaterThan(600_000);
        expect(remote.proxy.blobBytes).toBeLessThan(total / 2);
        const { missingBytes = 0 } = (await statisticsOf(place)).transfers ?? {};
        expect(await succeed(place, 'ps')).toContain(`${showDockerSize(missingBytes)} not fetched`);
        const shown = await print('python3', snapshot, place.mountpoint);
        await withMounted(
          `oci:${remote.layout.directory}`,
          async (whole) => expect(shown).toBe(await print('python3', snapshot, whole.mountpoint)),
          ...EROFS,
        );
      },
      ...[...EROFS, ...TRUSTED],
    );
  });

  it('answers EIO for what the registry does not give, and serves what is here', async () => {
    await withMounted(
      source,
      async (place) => {
        const at = (name: string): string => join(place.mountpoint, name);
        for (const name of ['file-4', 'file-25']) await print('cat', at(name));
        remote.proxy.nextFault = (request) => (isLayer(request) ? 404 : 'none');
        // Neither lies beside what was read.
        for (const name of ['file-9', 'file-11']) {
          const { status, stderr } = await run('cat', [at(name)]);
          expect([status, stderr]).toEqual([1, expect.stringContaining('Input/output error')]);
        }
        for (const name of ['file-4', 'file-25']) await print('cat', at(name));
        const { failures = 0, lastFailure } = (await statisticsOf(place)).transfers ?? {};
        expect([failures > 0, lastFailure]).toEqual([true, expect.stringMatching(/^layer [12] of docker:/)]);
        remote.proxy.nextFault = () => 'none';
        for (const name of ['file-9', 'file-11']) await print('cat', at(name));
      },
      ...[...EROFS, ...TRUSTED],
    );
  });

  it('takes writes, and what came serves the next mount, by an index that was made here', async () => {
    await withWorkplace(async (place) => {
      await place.mount(source, ...EROFS, ...TRUSTED, '--tmp');
      const file = join(place.mountpoint, 'file-4');
      await print('sh', '-c', `echo end >>${file}`);
      expect(await print('tail', '-c', '4', file)).toBe('end\n');
      expect(remote.proxy.blobBytes).toBeLessThan(total / 2);
      await place.unmount();
      const { blobBytes } = remote.proxy;
      await place.mount(source, ...EROFS, ...TRUSTED, '-o', 'fill');
      await expect
        .poll(async () => (await statisticsOf(place)).transfers?.missingBytes, { timeout: 30_000 })
        .toBe(0);
      expect(remote.proxy.blobBytes - blobBytes).toBeLessThan(total - 300_000);
      await place.unmount();
      await place.mount(source, ...EROFS);
      expect((await statisticsOf(place)).transfers).toBeUndefined();
      await place.unmount();
    });
  });

  it('fetches first what a mount by FUSE has read, and records nothing itself', async () => {
    const list = join(remote.scratch, 'app.parts');
    await withMounted(
      source,
      async (place) => {
        await print('cat', join(place.mountpoint, 'file-4'), join(place.mountpoint, 'file-25'));
        await succeed(place, 'stats', '--record', list, place.mountpoint);
      },
      ...TRUSTED,
    );
    await withMounted(
      source,
      async (place) => {
        await expect
          .poll(async () => (await statisticsOf(place)).transfers?.missingBytes, { timeout: 30_000 })
          .toBeLessThan(total - 400_000);
        const { status, stderr } = await place.stratafs(['stats', '--record', `${list}2`, place.mountpoint]);
        expect([status, stderr]).toEqual([1, expect.stringContaining('a mount by EROFS records no parts')]);
      },
      ...[...EROFS, ...TRUSTED, '-o', `prefetch=${list}`],
    );
  });

  it('is what driver=auto takes', async () => {
    await withWorkplace(async (place) => {
      const options = ['-v', '-o', 'driver=auto', ...TRUSTED];
      expect(await succeed(place, 'mount', ...options, source, place.mountpoint)).toContain('Driver: erofs.');
      await place.unmount();
    });
  });
});
