// Debian's containerd and runc on our snapshotter: images are pulled, run and removed, and nothing is left.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openImageSource } from '../../src/image/open-image.ts';
import { pushImage } from '../../src/remote/push-image.ts';
import { tarOf } from '../image/scratch.ts';
import { OWN_NAMESPACE } from '../mount/own-namespace.ts';
import { PROGRAM, type Workplace, run, withWorkplace } from '../mount/stratafs.ts';
import { makeLayoutOf, startRegistry } from '../remote/registry-program.ts';
import { describeWith } from '../requirements.ts';

const script = fileURLToPath(new URL('containerd.sh', import.meta.url));
const NAMES = 'bin\ndata\ndev\netc\nold\nproc\nrun\nsys\n';

/** A tar of a root file system with busybox, and one that changes it. */
async function layersOf(place: Workplace): Promise<{ readonly tar: Buffer; readonly isGzip: boolean }[]> {
  const root = place.path('base');
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys']) mkdirSync(`${root}/${name}`, { recursive: true });
  execFileSync('cp', ['/bin/busybox', `${root}/bin/busybox`]);
  execFileSync('sh', ['-c', 'echo base >etc/name; touch old gone'], { cwd: root });
  const base = execFileSync('tar', ['-c', '.'], { cwd: root, maxBuffer: 64 << 20 });
  const top = await tarOf([
    ['etc/name', 'top\n'],
    ['data', 'x'.repeat(100_000)],
    ['.wh.gone', ''],
  ]);
  return [base, top].map((tar) => ({ tar, isGzip: true }));
}

/** What the script finds. `before`: is called once the image is in the registry. */
async function runImage(
  how: 'pull' | 'rpull',
  options: readonly string[] = [],
  before: (source: string, place: Workplace) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly output: string; readonly log: string }> {
  let found = { output: '', log: '' };
  await withWorkplace(async (place) => {
    const registry = await startRegistry(place.path('registry'));
    try {
      const { directory } = makeLayoutOf(place.path('layout'), await layersOf(place));
      const image = `${registry.host}/app:1`;
      await pushImage(await openImageSource(directory), `docker://${image}`, { diskCache: undefined });
      await before(`docker://${image}`, place);
      const command = ['sh', script, place.directory, PROGRAM, image, how, ...options];
      const { status, stdout, stderr } = await run('unshare', [...OWN_NAMESPACE, ...command], {
        cwd: place.directory,
        env: place.environment,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      found = { output: stdout, log: readFileSync(place.path('snapshotter.log'), 'utf8') };
    } finally {
      await registry.stop();
    }
  });
  return found;
}

const outputWith = (blobs: number, mounts: number): string =>
  `600 root\n700 root\n700 root\nblobs ${blobs}\nsnapshots 2\n` +
  `top\nwritten\n${NAMES.replace('old\n', '')}` +
  `after kill -9\ntop\n${NAMES}image mounts ${mounts}\nleft\nend\n`;

const requirements = [
  'root' as const,
  'fuse' as const,
  ...['busybox', 'containerd', 'ctr-remote', 'docker-registry', 'findmnt', 'runc'].map((program) => ({
    program,
  })),
];

describeWith(requirements, 'containerd on the snapshotter', () => {
  it('unpacks the layers of a pull that announces none', async () => {
    const { output } = await runImage('pull');
    expect(output).toBe(outputWith(4, 0));
  });

  it('mounts the layers of an image once, without unpacking them', async () => {
    const { output, log } = await runImage('rpull');
    expect(output).toBe(outputWith(2, 1));
    expect(log.match(/"outcome":"whole"/g)).toHaveLength(2);
  });

  it('fetches layers as they are read, with an index of the registry that is believed', async () => {
    const { output, log } = await runImage('rpull', ['--trust-index'], async (source, place) => {
      expect(await place.stratafs(['index', '--push', source])).toMatchObject({ status: 0 });
    });
    expect(output).toBe(outputWith(2, 1));
    expect(log.match(/"outcome":"lazy"/g)).toHaveLength(2);
  });
});
