// A changed mount as the SOURCE of every command: some show the tree of the mount, the others its image.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, withWorkplace } from './stratafs.ts';

/** Commands with the same output for the mount as for its image. */
const ofTheImage: readonly (readonly [string, (source: string) => string[]])[] = [
  ['images', (source) => ['images', '--no-trunc', source]],
  ['history', (source) => ['history', '--layers', '--no-trunc', source]],
  ['layers', (source) => ['layers', '--json', source]],
  ['waste', (source) => ['waste', source]],
  ['flatten', (source) => ['flatten', source, '-o', `oci:flat-of-${source}`]],
  ['squash', (source) => ['squash', '--from', '2', source, '-o', `oci:squash-of-${source}`]],
  ['cat --upto', (source) => ['cat', '--upto', '4', source, '/usr/src/app/README.md']],
  ['diff IMAGE#LAYER', (source) => ['diff', `${source}#4`]],
];

/** Commands that show the tree of the mount, including its changes. */
const ofTheMount: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['cat', ['cat', 'mnt', '/etc/new', '/moved/package.json'], 0, /^new\n\{[^]*\}\n$/],
  ['which', ['which', '-q', 'mnt', '/etc/new', '/moved', '/moved/package.json'], 0, /^upper\nupper\n2\n$/],
  [
    'which, of versions',
    ['which', 'mnt', '/moved', '/moved/README.md'],
    0,
    /\nupper +moved +directory +from \/usr\/src\/app\n[^]*\nupper +attributes +file +61B +bytes of layer 4 mode\n +4 +added +file/,
  ],
  ['which what is gone', ['which', '-q', 'mnt', '/usr/src/app/server.js'], 1, /^-\n$/],
  [
    'diff',
    ['diff', 'mnt'],
    0,
    /^C \/etc\nA \/etc\/new\nA \/moved\n(?:A .*\n)+C \/usr\nC \/usr\/src\nD \/usr\/src\/app\n$/,
  ],
  ['diff of two', ['diff', 'app.tar', 'mnt'], 0, /^C \/etc\nA \/etc\/new\nA \/moved\n/],
  ['commit', ['commit', 'mnt', '-o', 'oci:committed'], 0, /^sha256:[0-9a-f]{64}\n$/],
];

/** Commands that are refused with one line, which names the mount. */
const all: readonly (readonly string[])[] = [
  ...ofTheImage.map(([, args]) => args('mnt')),
  ...ofTheMount.map(([, args]) => args),
  ['export', 'mnt'],
];

function change(place: Workplace): void {
  writeFileSync(place.path('mnt/etc/new'), 'new\n');
  renameSync(place.path('mnt/usr/src/app'), place.path('mnt/moved'));
  chmodSync(place.path('mnt/moved/README.md'), 0o600);
}

function withWritten(body: (place: Workplace) => Promise<void>): Promise<void> {
  return withWorkplace(async (place) => {
    copyFileSync(fixture('expressweb.tar'), place.path('app.tar'));
    mkdirSync(place.path('u'));
    await place.mount('app.tar', '--upper', 'u');
    change(place);
    await body(place);
    await place.unmount();
  });
}

describeWith(['fuse'], 'a mount that was written to', () => {
  it('counts as its image in commands about images, and as its tree in all others', () =>
    withWritten(async (place) => {
      for (const [name, args] of ofTheImage) {
        // The creation time of new images.
        const env = { ...place.environment, SOURCE_DATE_EPOCH: '1700000000' };
        const found = await place.stratafs(args('mnt'), { env });
        const expected = await place.stratafs(args('app.tar'), { env });
        expect({ name, ...found, stderr: '' }).toEqual({ name, ...expected, stderr: '' });
        expect(found.status, name).toBe(0);
      }
      for (const [name, args, status, stdout] of ofTheMount) {
        const found = await place.stratafs(args);
        expect({ name, status: found.status, stderr: found.stderr }).toEqual({ name, status, stderr: '' });
        expect(found.stdout, name).toMatch(stdout);
      }
    }));

  it('is an error in one line if its archive was moved, or replaced by another', () =>
    withWritten(async (place) => {
      const operands = all.filter((args) => !args.includes('app.tar'));
      const failures = async (): Promise<string[]> => {
        const outcomes = await Promise.all(operands.map((args) => place.stratafs(args)));
        return outcomes.map(({ status, stdout, stderr }) => `${status} ${stdout}${stderr}`);
      };
      const nameAll = (expected: string): string[] => operands.map(() => expected);
      renameSync(place.path('app.tar'), place.path('moved.tar'));
      expect(await failures()).toEqual(
        nameAll(
          `1 stratafs: ${place.mountpoint}: its image can't be opened again: ${place.path('app.tar')}: no such file or directory\n`,
        ),
      );
      copyFileSync(fixture('forms/skopeo-untagged.tar'), place.path('app.tar'));
      const [first = '', ...others] = await failures();
      expect(first).toMatch(
        /^1 stratafs: \S+mnt: \S+app\.tar was changed since it was mounted: found sha256:/,
      );
      expect(others).toEqual(others.map(() => first));
      rmSync(place.path('app.tar'));
      renameSync(place.path('moved.tar'), place.path('app.tar'));
      expect((await place.stratafs(['cat', 'mnt', '/etc/new'])).stdout).toBe('new\n');
    }));

  it('is an error if its bare layer, which has no ID, was changed', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('d'));
      writeFileSync(place.path('d/one'), '1');
      execFileSync('tar', ['-cf', 'layer.tar', '-C', 'd', '.'], { cwd: place.directory });
      await place.mount('layer.tar');
      writeFileSync(place.path('d/two'), '2');
      execFileSync('tar', ['-cf', 'layer.tar', '-C', 'd', '.'], { cwd: place.directory });
      expect(await place.stratafs(['export', 'mnt'])).toEqual({
        status: 1,
        stdout: '',
        stderr: `stratafs: ${place.mountpoint}: ${place.path('layer.tar')} was changed since it was mounted: found other layers\n`,
      });
      await place.unmount();
    }));
});

const tools = ['python3', 'setcap', 'setfattr', 'tar'].map((program) => ({ program }));

describeWith(['fuse', 'root', ...tools], 'stratafs export of a mount', () => {
  it('unpacked, is what the mount shows', () =>
    withWritten(async (place) => {
      const script = fileURLToPath(new URL('changes.sh', import.meta.url));
      execFileSync('sh', [script], { cwd: place.mountpoint, stdio: 'pipe' });
      expect(await place.stratafs(['export', '-o', 'tar', 'mnt'])).toMatchObject({ status: 0, stderr: '' });
      mkdirSync(place.path('root'));
      const how = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner'];
      execFileSync('tar', ['-xpf', 'tar', ...how, '-C', 'root'], { cwd: place.directory });
      const [found, expected] = [snapshotDirectory(place.path('root')), snapshotDirectory(place.mountpoint)];
      // Holes of what was written are bytes in the tar, as in docker's.
      for (const each of [found, expected]) for (const file of each.values()) file.data = [];
      expect(found).toEqual(expected);
    }));
});
