// A mount point as a source: the mount names its image, independently of the directory in which it was mounted.
import { copyFileSync, mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { fixture, type Outcome, type Workplace, withWorkplace } from './stratafs.ts';

const look = (place: Workplace, ...args: string[]): Promise<Outcome> => place.stratafs(args, { cwd: '/' });

describeWith(['fuse'], 'a mount point as a source', () => {
  it('is the image that is mounted there, even if its path was relative', () =>
    withWorkplace(async (place) => {
      copyFileSync(fixture('expressweb-both.tar'), place.path('both.tar'));
      await place.mount('docker-archive:both.tar:extending-expressweb');
      const { stdout } = await look(place, 'history', '--json', place.mountpoint);
      const { source, history } = JSON.parse(stdout) as { source: string; history: object[] };
      expect(source).toBe(`docker-archive:${place.path('both.tar')}:extending-expressweb`);
      expect(history).toHaveLength(16);
      const images = await look(place, 'images', '-q', place.mountpoint);
      expect(images).toMatchObject({ status: 0, stdout: '30a8f3d2db65\n30a8f3d2db65\n' });
      await place.unmount();
    }));

  it('has only the layers that are mounted there, unless other layers are requested', () =>
    withWorkplace(async (place) => {
      await place.mount(fixture('expressweb.tar'), '--upto', '2');
      expect((await look(place, 'layers', '-q', place.mountpoint)).stdout.split('\n')).toHaveLength(3);
      const path = '/usr/src/app/server.js';
      expect((await look(place, 'cat', place.mountpoint, path)).stderr).toMatch(
        /no such file in the image\n$/,
      );
      expect((await look(place, 'cat', '--upto', '4', place.mountpoint, path)).status).toBe(0);
      await place.unmount();
    }));

  it('is the stack of a lowerdir mount', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('a:b'));
      mkdirSync(place.path('c'));
      const { status, stderr } = await place.stratafs(['mount', '-o', 'lowerdir=a\\:b:c', place.mountpoint]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { stdout } = await look(place, 'layers', '--json', place.mountpoint);
      expect((JSON.parse(stdout) as { directory: string }[]).map(({ directory }) => directory)).toEqual([
        place.path('c'),
        place.path('a:b'),
      ]);
      await place.unmount();
    }));

  it('is refused if the archive has another image by now', () =>
    withWorkplace(async (place) => {
      copyFileSync(fixture('expressweb.tar'), place.path('app.tar'));
      await place.mount('app.tar');
      copyFileSync(fixture('forms/skopeo-untagged.tar'), place.path('app.tar'));
      const { status, stderr } = await look(place, 'history', place.mountpoint);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /^stratafs: .*mnt: \S+app\.tar was changed since it was mounted: found sha256:8c7b830a95c5\w+, expected sha256:c3c74c4ba3f5\w+\n$/,
      );
      await place.unmount();
    }));

  it('is refused in one line if its daemon has ended', () =>
    withWorkplace(async (place) => {
      await place.mount(fixture('expressweb.tar'), '-o', 'restart=off');
      process.kill((await place.listed())?.pid ?? 0, 'SIGKILL');
      await expect
        .poll(async () => (await look(place, 'history', place.mountpoint)).stderr)
        .toBe(`stratafs: ${place.mountpoint}: the mount does not name its image: its daemon is gone\n`);
      await place.unmount();
    }));
});
