// How bin/stratafs finds Node, by whatever name and environment it is called; and what is said where the addon is missing.
import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Outcome, PROGRAM, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** A program in the place of Node, which says by which path it was called, and for what. */
function fakeNode(place: Workplace, path: string): string {
  mkdirSync(dirname(place.path(path)), { recursive: true });
  writeFileSync(place.path(path), `#!/bin/sh\necho "${path} \${1##*/}"\n`);
  chmodSync(place.path(path), 0o755);
  return place.path(path);
}

/** The package as npm installs it in the prefix `prefix`, with nothing built. */
function installIn(place: Workplace): string {
  const root = 'prefix/lib/node_modules/stratafs';
  mkdirSync(place.path(`${root}/bin`), { recursive: true });
  mkdirSync(place.path(`${root}/build`));
  mkdirSync(place.path('prefix/bin'));
  copyFileSync(PROGRAM, place.path(`${root}/bin/stratafs`));
  for (const name of ['stratafs', 'mount.stratafs', 'umount.fuse.stratafs', 'stratafs-overlay']) {
    symlinkSync('../lib/node_modules/stratafs/bin/stratafs', place.path(`prefix/bin/${name}`));
  }
  return root;
}

/** With nothing in the environment but what is given, as mount(8) calls its helper. */
const call = (place: Workplace, name: string, ...environment: string[]): Promise<Outcome> =>
  run('env', ['-i', ...environment, place.path(name), 'x'], { cwd: '/' });

describeWith([], 'bin/stratafs', () => {
  it('takes the Node that is recorded, else that of its npm prefix, else that of PATH', () =>
    withWorkplace(async (place) => {
      const root = installIn(place);
      const path = `PATH=${dirname(fakeNode(place, 'path/node'))}:/usr/bin:/bin`;
      expect((await call(place, 'prefix/bin/stratafs', path)).stdout).toBe('path/node main.cjs\n');
      fakeNode(place, 'prefix/bin/node');
      expect((await call(place, 'prefix/bin/stratafs', path)).stdout).toBe('prefix/bin/node main.cjs\n');
      symlinkSync(place.path('odd/node'), place.path(`${root}/build/node`));
      expect((await call(place, 'prefix/bin/stratafs', path)).stdout).toBe('prefix/bin/node main.cjs\n');
      fakeNode(place, 'odd/node');
      expect((await call(place, 'prefix/bin/stratafs', path)).stdout).toBe('odd/node main.cjs\n');
    }));

  it('starts the launcher that was compiled, else the prebuilt one', () =>
    withWorkplace(async (place) => {
      const root = installIn(place);
      fakeNode(place, 'prefix/bin/node');
      const mount = async (): Promise<string> =>
        (await run('env', ['-i', place.path('prefix/bin/stratafs'), 'mount', 'x'], { cwd: '/' })).stdout;
      expect(await mount()).toBe('prefix/bin/node main.cjs\n');
      fakeNode(place, `${root}/prebuilds/linux-${process.arch}/stratafs-launch`);
      expect(await mount()).toBe(`${root}/prebuilds/linux-${process.arch}/stratafs-launch node\n`);
      fakeNode(place, `${root}/build/Release/stratafs-launch`);
      expect(await mount()).toBe(`${root}/build/Release/stratafs-launch node\n`);
    }));

  it('is any of its programs by name, without an environment, also by a link to a link', () =>
    withWorkplace(async (place) => {
      const root = installIn(place);
      symlinkSync(fakeNode(place, 'odd/node'), place.path(`${root}/build/node`));
      const programs = [
        ['mount.stratafs', 'mount-helper-main'],
        ['umount.fuse.stratafs', 'unmount-helper-main'],
        ['stratafs-overlay', 'overlay-main'],
      ] as const;
      mkdirSync(place.path('sbin'));
      for (const [name, program] of programs) {
        symlinkSync(place.path(`prefix/bin/${name}`), place.path(`sbin/${name}`));
        expect((await call(place, `sbin/${name}`)).stdout).toBe(`odd/node ${program}.cjs\n`);
        expect((await call(place, `sbin/${name}`, 'PATH=')).stdout).toBe(`odd/node ${program}.cjs\n`);
      }
      symlinkSync(place.path('prefix/bin/umount.fuse.stratafs'), place.path('sbin/umount.fuse'));
      expect((await call(place, 'sbin/umount.fuse')).stdout).toBe('odd/node unmount-helper-main.cjs\n');
    }));
});

describeWith(['fuse', 'root'], 'mount.stratafs and umount.fuse.stratafs', () => {
  it('mount and unmount without an environment', () =>
    withWorkplace(async (place) => {
      symlinkSync(PROGRAM, place.path('mount.stratafs'));
      symlinkSync(PROGRAM, place.path('umount.fuse.stratafs'));
      const cache = `XDG_CACHE_HOME=${place.path('cache')}`;
      const image = fixture('expressweb.tar');
      const mounting = [cache, place.path('mount.stratafs'), image, place.mountpoint, '-o', 'ro'];
      expect(await run('env', ['-i', ...mounting])).toMatchObject({ status: 0, stderr: '' });
      expect(place.mounted()).toEqual([place.mountpoint]);
      const unmounting = [place.path('umount.fuse.stratafs'), place.mountpoint];
      expect(await run('env', ['-i', ...unmounting])).toMatchObject({ status: 0, stderr: '' });
      expect(place.mounted()).toEqual([]);
    }));
});

describeWith([], 'an addon that was not built', () => {
  it('is named in one line that says what to run, by commands and by the library', () =>
    withWorkplace(async (place) => {
      cpSync(`${REPOSITORY}/dist`, place.path('dist'), { recursive: true });
      copyFileSync(`${REPOSITORY}/package.json`, place.path('package.json'));
      symlinkSync(`${REPOSITORY}/node_modules`, place.path('node_modules'));
      const line = `the native addon was not built; run: npm --prefix ${place.directory} run install`;
      for (const args of [['ls'], ['mount', 'image.tar', 'mnt'], ['history', 'image.tar']]) {
        const { status, stderr } = await run(process.execPath, [place.path('dist/cli/main.cjs'), ...args]);
        expect(stderr).toBe(`stratafs: ${line}\n`);
        expect(status).toBe(1);
      }
      for (const [program, failure] of [
        ['overlay-main', 1],
        ['mount-helper-main', 32],
        ['unmount-helper-main', 32],
      ] as const) {
        const { status, stderr } = await run(process.execPath, [
          place.path(`dist/cli/${program}.cjs`),
          'a',
          'b',
        ]);
        expect(stderr).toBe(`stratafs: ${line}\n`);
        expect(status).toBe(failure);
      }
      const script = `import('${place.path('dist/index.js')}').catch((error) => console.log(error.message));`;
      const { stdout } = await run(process.execPath, ['-e', script]);
      expect(stdout).toBe(`${line}\n`);
      // Built for another machine, or cut short.
      mkdirSync(place.path('build/Release'), { recursive: true });
      writeFileSync(place.path('build/Release/stratafs.node'), 'no shared object');
      const { stderr } = await run(process.execPath, [place.path('dist/cli/main.cjs'), 'ls']);
      expect(stderr).toMatch(
        /^stratafs: the native addon can't be loaded: .*; run: npm --prefix .* run install\n$/,
      );
    }));
});
