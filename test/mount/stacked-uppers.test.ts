// An upper directory that lies in another writable mount: no 0:0 device can be made there, so whiteouts are xattrs.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const APP = 'top/usr/src/app';

/** `mnt` takes writes, and holds the upper directory of `top`. */
async function mountTop(place: Workplace): Promise<void> {
  const { status, stderr } = await place.stratafs([
    'mount',
    '-o',
    'upperdir=mnt/u,workdir=mnt/w',
    image,
    'top',
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

describeWith(['fuse', { program: 'getfattr' }], 'an upper directory within a writable mount', () => {
  it('has whiteouts in the form of xattrs, which hide names at the next mount too', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('top'));
      mkdirSync(place.path('below'));
      await place.mount(image, '--upper', 'below');
      for (const name of ['mnt/u', 'mnt/w']) mkdirSync(place.path(name));
      await mountTop(place);
      rmSync(place.path(`${APP}/README.md`));
      rmSync(place.path(`${APP}/public`), { recursive: true });
      writeFileSync(place.path(`${APP}/server.js`), 'new\n');
      const expected = ['.dockerignore', 'node_modules', 'package.json', 'server.js'];
      expect(readdirSync(place.path(APP)).sort()).toEqual(expected);

      const whiteout = place.path('mnt/u/usr/src/app/README.md');
      expect(statSync(whiteout).isFile()).toBe(true);
      expect(statSync(whiteout).size).toBe(0);
      const { stdout } = await run('getfattr', ['-d', '-m', '-', '--absolute-names', whiteout]);
      expect(stdout).toMatch(/^(?:trusted|user)\.overlay\.whiteout=/m);
      const parent = await run('getfattr', ['-d', '-m', '-', 'mnt/u/usr/src/app'], { cwd: place.directory });
      expect(parent.stdout).toMatch(/^(?:trusted|user)\.overlay\.opaque="x"$/m);

      expect(await place.stratafs(['unmount', 'top'])).toMatchObject({ status: 0, stderr: '' });
      await mountTop(place);
      expect(readdirSync(place.path(APP)).sort()).toEqual(expected);
      writeFileSync(place.path(`${APP}/README.md`), 'again\n');
      expect(readFileSync(place.path(`${APP}/README.md`), 'utf8')).toBe('again\n');
      expect(await place.stratafs(['unmount', 'top'])).toMatchObject({ status: 0, stderr: '' });
      await place.unmount();
      expect(place.mounted()).toEqual([]);
    }));
});
