// What native code reads of a layer in docker-registry, before all of it is here and afterwards.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushIndexes } from '../../src/mount/mount.ts';
import type { MountStatistics } from '../../src/mount/served-mount.ts';
import { testOptions } from '../registry/fake-registry.ts';
import { type RemoteImage, pushTwoLayers, stopRemote } from '../remote/pushed-image.ts';
import { describeWith } from '../requirements.ts';
import { run, withMounted } from './stratafs.ts';

let remote: RemoteImage;
let source: string;

beforeAll(async () => {
  remote = await pushTwoLayers(12, { registry: testOptions() });
  source = `docker://${remote.registry.host}/app:1`;
  await pushIndexes(source, { cacheDirectory: join(remote.scratch, 'maker') });
});
afterAll(() => stopRemote(remote));

describeWith(['fuse', { program: 'docker-registry' }], 'an uncompressed layer in a registry', () => {
  it.each([
    ['is read by JavaScript before all of it is here', [], false],
    ['is read by native code once all of it is here', ['-o', 'fill'], true],
  ])('%s', async (_what, options, isNative) => {
    await withMounted(
      source,
      async (place) => {
        const statistics = async (): Promise<MountStatistics> => {
          const { stdout } = await place.stratafs(['stats', '--json', place.mountpoint]);
          return JSON.parse(stdout) as MountStatistics;
        };
        // Past the kernel's pages, so that each is a request.
        const readDirectly = async (): Promise<MountStatistics> => {
          const file = join(place.mountpoint, 'file-4');
          const { status } = await run('dd', [
            `if=${file}`,
            'of=/dev/null',
            'iflag=direct',
            'bs=4096',
            'count=1',
          ]);
          expect(status).toBe(0);
          return statistics();
        };
        const before = await readDirectly();
        if (isNative) {
          const countNative = async (): Promise<number> =>
            (await readDirectly()).answeredNatively['READ'] ?? 0;
          await expect.poll(countNative, { timeout: 30_000 }).toBeGreaterThan(0);
        }
        const after = await readDirectly();
        expect(after.requests['READ']).toBeGreaterThan(before.requests['READ'] ?? 0);
        expect((after.answeredNatively['READ'] ?? 0) > 0).toBe(isNative);
        // The earlier answers are still counted.
        expect(after.answeredNatively['LOOKUP']).toBeGreaterThanOrEqual(
          before.answeredNatively['LOOKUP'] ?? 1,
        );
      },
      ...['-o', 'trust-index', ...options],
    );
  });
});
