// Files of a real upper that the kernel reads and writes by itself, wherever the upper lies.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { MountStatistics } from '../../src/mount/served-mount.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, withWorkplace } from './stratafs.ts';

/** Mounts a directory with the file `f` in it; the upper and the work directory are made in `base`. */
async function mountOver(place: Workplace, base: string): Promise<void> {
  mkdirSync(place.path('lower'));
  writeFileSync(place.path('lower/f'), 'lower ');
  for (const name of ['upper', 'work']) mkdirSync(`${base}/${name}`);
  const directories = `lowerdir=${place.path('lower')},upperdir=${base}/upper,workdir=${base}/work`;
  const { status, stderr } = await place.stratafs(['mount', '-o', directories, place.mountpoint]);
  expect([status, stderr]).toEqual([0, '']);
}

async function statistics(place: Workplace): Promise<MountStatistics> {
  return JSON.parse((await place.stratafs(['stats', '--json', 'mnt'])).stdout) as MountStatistics;
}

/** Writes a new file and a lower one, and reads both. */
function use(place: Workplace): void {
  const path = (name: string): string => `${place.mountpoint}/${name}`;
  writeFileSync(path('new'), 'new');
  appendFileSync(path('f'), 'and upper');
  expect([readFileSync(path('new'), 'utf8'), readFileSync(path('f'), 'utf8')]).toEqual([
    'new',
    'lower and upper',
  ]);
}

/** False where the kernel was built without it, or is older than 6.9. */
function hasPassthrough(): boolean {
  const [major = 0, minor = 0] = execFileSync('uname', ['-r'], { encoding: 'utf8' }).split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 9);
}

describeWith(['fuse', 'root'], 'a mount whose upper', () => {
  it('lies on a plain file system is passed through', () =>
    withWorkplace(async (place) => {
      await mountOver(place, place.directory);
      use(place);
      const { passthroughOpens, bytesWritten } = await statistics(place);
      if (hasPassthrough()) expect([passthroughOpens, bytesWritten]).toEqual([4, 0]);
      await place.unmount();
    }));

  it('lies on overlayfs is passed through, too', () =>
    withWorkplace(async (place) => {
      for (const name of ['a', 'b', 'c', 'stacked']) mkdirSync(place.path(name));
      const directories = `lowerdir=${place.path('a')},upperdir=${place.path('b')},workdir=${place.path('c')}`;
      execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', directories, place.path('stacked')]);
      await mountOver(place, place.path('stacked'));
      use(place);
      const { passthroughOpens } = await statistics(place);
      if (hasPassthrough()) expect(passthroughOpens).toBe(4);
      await place.unmount();
    }));
});
