// An upper directory that lies in another overlay: within kernel overlayfs, where no 0:0 device can be made, whiteouts are
// xattrs; within a writable stratafs mount they are devices, as elsewhere.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const APP = 'top/usr/src/app';
const WHITEOUT = 'mnt/u/usr/src/app/README.md';

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

/** With `mnt` mounted: hides names in `top`, runs `look`, and looks again at the next mount. */
async function hideNames(place: Workplace, look: () => Promise<void>): Promise<void> {
  mkdirSync(place.path('top'));
  for (const name of ['mnt/u', 'mnt/w']) mkdirSync(place.path(name));
  await mountTop(place);
  rmSync(place.path(`${APP}/README.md`));
  rmSync(place.path(`${APP}/public`), { recursive: true });
  writeFileSync(place.path(`${APP}/server.js`), 'new\n');
  const expected = ['.dockerignore', 'node_modules', 'package.json', 'server.js'];
  expect(readdirSync(place.path(APP)).sort()).toEqual(expected);
  await look();
  expect(await place.stratafs(['unmount', 'top'])).toMatchObject({ status: 0, stderr: '' });
  await mountTop(place);
  expect(readdirSync(place.path(APP)).sort()).toEqual(expected);
  writeFileSync(place.path(`${APP}/README.md`), 'again\n');
  expect(readFileSync(place.path(`${APP}/README.md`), 'utf8')).toBe('again\n');
  expect(await place.stratafs(['unmount', 'top'])).toMatchObject({ status: 0, stderr: '' });
}

describeWith(['fuse'], 'an upper directory within a writable mount', () => {
  it('has devices as whiteouts, which hide names at the next mount too', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('below'));
      await place.mount(image, '--upper', 'below');
      await hideNames(place, () => {
        const { rdev, size } = statSync(place.path(WHITEOUT));
        expect(statSync(place.path(WHITEOUT)).isCharacterDevice()).toBe(true);
        expect({ rdev, size }).toEqual({ rdev: 0, size: 0 });
        return Promise.resolve();
      });
      await place.unmount();
      expect(place.mounted()).toEqual([]);
    }));
});

describeWith(['root', 'fuse', { program: 'getfattr' }], 'an upper directory within kernel overlayfs', () => {
  it('has whiteouts in the form of xattrs, which hide names at the next mount too', () =>
    withWorkplace(async (place) => {
      for (const name of ['low', 'below', 'work']) mkdirSync(place.path(name));
      const options = 'lowerdir=low,upperdir=below,workdir=work';
      const here = { cwd: place.directory };
      const mounted = await run('mount', ['-t', 'overlay', 'none', '-o', options, 'mnt'], here);
      expect(mounted).toMatchObject({ status: 0, stderr: '' });
      await hideNames(place, async () => {
        const whiteout = place.path(WHITEOUT);
        expect(statSync(whiteout).isFile()).toBe(true);
        expect(statSync(whiteout).size).toBe(0);
        const { stdout } = await run('getfattr', ['-d', '-m', '-', '--absolute-names', whiteout]);
        expect(stdout).toMatch(/^(?:trusted|user)\.overlay\.whiteout=/m);
        const parent = await run('getfattr', ['-d', '-m', '-', 'mnt/u/usr/src/app'], here);
        expect(parent.stdout).toMatch(/^(?:trusted|user)\.overlay\.opaque="x"$/m);
      });
    }));
});
