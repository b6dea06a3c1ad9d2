// A second mount shows bit for bit what the first one showed, though it merged nothing.
//
// That the saved tree was used is told by the index files: their columns are spoilt between two mounts, and a mount
// that opens the layers makes them again.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { indexImage } from '../../src/mount/mount.ts';
import type { MountStatistics } from '../../src/mount/served-mount.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const snapshot = fileURLToPath(new URL('../oracle/snapshot.py', import.meta.url));

/** All that the mount shows: stat, content, holes and xattrs, and the inode numbers, that of the root too. */
function look(place: Workplace): string {
  const print = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'latin1', maxBuffer: 1 << 28, stdio: 'pipe' });
  return (
    print('python3', snapshot, place.mountpoint) +
    print('find', place.mountpoint, '-printf', '%P %i %s %n %m %T@ %C@ %b atime %A@\n') +
    print(
      'find',
      place.mountpoint,
      '-type',
      'f,d',
      '-exec',
      'getfattr',
      '-n',
      'user.stratafs.layer',
      '{}',
      '+',
    )
  );
}

/** Mounts so, looks, and unmounts. */
async function lookOnce(place: Workplace, source: string, ...options: string[]): Promise<string> {
  await place.mount(source, ...options);
  const seen = look(place);
  await place.unmount();
  return seen;
}

/** Without atimes: reading a directory of the upper moves its. */
const withoutAtimes = (seen: string): string => seen.replaceAll(/ atime .*/g, '');

const cacheFiles = (place: Workplace, folder: string): string[] => {
  const directory = place.path(`cache/stratafs/${folder}`);
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
};
const trees = (place: Workplace): string[] => cacheFiles(place, 'trees');
const indexes = (place: Workplace): string[] => cacheFiles(place, 'indexes');

/** Spoils the columns of all indexes, which come last in their files, and answers whether they still are. */
function spoilIndexes(place: Workplace): () => boolean {
  const spoilt = indexes(place).map((path) => {
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes).fill(0xff, bytes.length - 64);
    writeFileSync(path, changed);
    return [path, changed] as const;
  });
  expect(spoilt.length).toBeGreaterThan(0);
  return () => spoilt.every(([path, changed]) => readFileSync(path).equals(changed));
}

const tools = [{ program: 'python3' }, { program: 'getfattr' }] as const;

describeWith(['fuse', ...tools], 'a second mount', () => {
  it.each([
    ['edge-cases.tar', []],
    ['expressweb.tar', ['--upto', '2']],
    ['forms/oci-gzip.tar', ['-o', 'uidmapping=0:100:70000,squash_to_gid=7']],
    ['forms/oci-zstd', []],
  ] as const)('shows what the first did, and merges nothing: %s %j', (name, options) =>
    withWorkplace(async (place) => {
      const source = fixture(name);
      const first = await lookOnce(place, source, ...options);
      expect(trees(place)).toHaveLength(1);
      const areSpoilt = spoilIndexes(place);
      expect(await lookOnce(place, source, ...options)).toBe(first);
      expect(areSpoilt()).toBe(true);
      // Without the tree it takes the indexes, finds them spoilt, and makes them and the tree again.
      rmSync(trees(place)[0] as string);
      await place.mount(source, ...options);
      await place.unmount();
      expect(areSpoilt()).toBe(false);
      expect(trees(place)).toHaveLength(1);
      expect(place.drafts()).toEqual([]);
    }),
  );

  it('answers natively what the first answers so', () =>
    withWorkplace(async (place) => {
      const counts: Record<string, number>[] = [];
      for (let i = 0; i < 2; i++) {
        await place.mount(fixture('edge-cases.tar'));
        look(place);
        const { stdout } = await place.stratafs(['stats', '--json', 'mnt']);
        counts.push((JSON.parse(stdout) as MountStatistics).answeredNatively);
        await place.unmount();
        if (i === 0) spoilIndexes(place);
      }
      // The kernel forgets what it drops from its caches: when it does, and how much at once, is its own affair.
      const [first, second] = counts.map((each) =>
        Object.keys(each)
          .filter((name) => !name.endsWith('FORGET'))
          .sort(),
      );
      expect(second).toEqual(first);
      expect(second).toEqual(expect.arrayContaining(['LOOKUP', 'READ', 'READDIRPLUS', 'READLINK']));
    }));

  it('has what was written to the upper directory at the first, by the same numbers', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const options = ['--upper', 'upper'];
      mkdirSync(place.path('upper'));
      await place.mount(source, ...options);
      const changes = `
        set -eu
        cd "$1"
        echo new >new; mkdir made; echo more >>usr/src/app/package.json; chmod 600 usr/src/app/server.js
        ln usr/src/app/server.js made/linked; mv bin/cat made/renamed; rm bin/ls; setfattr -n user.a -v b usr/src`;
      const { status, stderr } = await run('sh', ['-c', changes, 'sh', place.mountpoint]);
      expect([status, stderr]).toEqual([0, '']);
      const written = withoutAtimes(look(place));
      await place.unmount();
      const areSpoilt = spoilIndexes(place);
      expect(withoutAtimes(await lookOnce(place, source, ...options))).toBe(written);
      expect(areSpoilt()).toBe(true);
      rmSync(place.path('cache'), { recursive: true });
      expect(withoutAtimes(await lookOnce(place, source, ...options))).toBe(written);
    }));

  it('after `stratafs index` is the first, and merges nothing', () =>
    withWorkplace(async (place) => {
      const source = fixture('edge-cases.tar');
      expect((await place.stratafs(['index', source])).status).toBe(0);
      const areSpoilt = spoilIndexes(place);
      const seen = await lookOnce(place, source);
      expect(areSpoilt()).toBe(true);
      rmSync(place.path('cache'), { recursive: true });
      expect(await lookOnce(place, source)).toBe(seen);
    }));

  it('of the same layers in another archive uses the tree, once their bytes are known', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const seen = (await lookOnce(place, source)).replaceAll(source, 'copy.tar');
      const [tree] = trees(place) as [string];
      const { ino } = statSync(tree);
      copyFileSync(source, place.path('copy.tar'));
      expect(await lookOnce(place, 'copy.tar')).toBe(seen);
      // What is saved anew is another file.
      expect([trees(place), statSync(tree).ino]).toEqual([[tree], ino]);
      const areSpoilt = spoilIndexes(place);
      expect(await lookOnce(place, 'copy.tar')).toBe(seen);
      expect(areSpoilt()).toBe(true);
    }));

  it('with --verify reads all layers again, and uses the tree', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const seen = await lookOnce(place, source);
      const [tree] = trees(place) as [string];
      const { ino } = statSync(tree);
      const areSpoilt = spoilIndexes(place);
      expect(await lookOnce(place, source, '--verify')).toBe(seen);
      expect([areSpoilt(), trees(place), statSync(tree).ino]).toEqual([false, [tree], ino]);
    }));

  it('with --no-verify keeps no tree of layers that nobody hashed, and uses that of those that were', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const seen = await lookOnce(place, source, '--no-verify');
      expect([indexes(place), trees(place)]).toEqual([[], []]);
      await place.mount(source);
      await place.unmount();
      const areSpoilt = spoilIndexes(place);
      expect(await lookOnce(place, source, '--no-verify')).toBe(seen);
      expect(areSpoilt()).toBe(true);
    }));

  it('with --no-index-cache neither keeps a tree nor uses one', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const seen = await lookOnce(place, source, '--no-index-cache');
      expect(existsSync(place.path('cache/stratafs'))).toBe(false);
      await place.mount(source);
      await place.unmount();
      const [tree] = trees(place);
      utimesSync(tree as string, 1000, 1000);
      expect(await lookOnce(place, source, '--no-index-cache')).toBe(seen);
      expect(readdirSync(place.path('cache/stratafs')).sort()).toEqual(['indexes', 'trees', 'verified']);
      expect(statSync(tree as string).mtimeMs).toBe(1_000_000);
    }));

  it('makes a tree anew that is not whole', () =>
    withWorkplace(async (place) => {
      const source = fixture('expressweb.tar');
      const seen = await lookOnce(place, source);
      const [tree] = trees(place) as [string];
      const bytes = readFileSync(tree);
      const spoilt = [bytes.subarray(0, 1000), Buffer.from(bytes).fill(0xff, 2000, 2001), Buffer.alloc(0)];
      for (const wrong of spoilt) {
        expect(wrong.equals(bytes)).toBe(false);
        writeFileSync(tree, wrong);
        await place.mount(source);
        if (wrong === spoilt[1]) expect(look(place)).toBe(seen);
        await place.unmount();
        expect(readFileSync(tree).equals(bytes)).toBe(true);
      }
    }));

  it('of an archive that was changed since is refused', () =>
    withWorkplace(async (place) => {
      copyFileSync(fixture('expressweb.tar'), place.path('copy.tar'));
      await place.mount('copy.tar');
      await place.unmount();
      const bytes = readFileSync(place.path('copy.tar'));
      const at = bytes.indexOf('"name": "expressweb"');
      expect(at).toBeGreaterThan(0);
      writeFileSync(place.path('copy.tar'), bytes.fill('E', at + 9, at + 10));
      await expect(place.mount('copy.tar')).rejects.toThrow(/the archive is damaged/);
    }));

  it('of a stack of tars and directories shows what changed in a directory', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('top'));
      writeFileSync(place.path('top/one'), '1');
      execFileSync('tar', ['-cf', place.path('base.tar'), '-C', place.path('top'), '.']);
      for (const lowerdir of ['base.tar:base.tar', 'top:base.tar']) {
        const names: string[][] = [];
        for (const name of ['two', 'three']) {
          const { status, stderr } = await place.stratafs(['mount', '-o', `lowerdir=${lowerdir}`, 'mnt']);
          expect([status, stderr]).toEqual([0, '']);
          names.push(readdirSync(place.mountpoint).sort());
          await place.unmount();
          writeFileSync(place.path(`top/${name}`), '');
        }
        expect(names).toEqual(
          lowerdir.startsWith('base')
            ? [['one'], ['one']]
            : [
                ['one', 'three', 'two'],
                ['one', 'three', 'two'],
              ],
        );
        expect(trees(place)).toHaveLength(1);
      }
    }));

  it('at the same time as the first keeps one whole tree', () =>
    withWorkplace(async (place) => {
      const source = fixture('edge-cases.tar');
      mkdirSync(place.path('other'));
      const mounts = ['mnt', 'other'].map((name) => place.stratafs(['mount', source, name]));
      expect((await Promise.all(mounts)).map(({ status }) => status)).toEqual([0, 0]);
      const seen = look(place);
      await place.stratafs(['unmount', 'other']);
      await place.unmount();
      expect([trees(place).length, place.drafts()]).toEqual([1, []]);
      const areSpoilt = spoilIndexes(place);
      expect(await lookOnce(place, source)).toBe(seen);
      expect(areSpoilt()).toBe(true);
    }));
});

describeWith([], 'indexImage', () => {
  it('makes the indexes of layers that can not be merged, which mounting them says', () =>
    withWorkplace(async (place) => {
      writeFileSync(place.path('a'), '');
      execFileSync('sh', [
        '-c',
        'cd "$1" && ln a b && tar -cf full.tar a b && tar --delete -f full.tar a',
        'sh',
        place.directory,
      ]);
      const options = { cacheDirectory: place.path('cache/stratafs') };
      expect(await indexImage(place.path('full.tar'), options)).toHaveLength(1);
      expect([indexes(place).length, trees(place).length]).toEqual([1, 0]);
    }));
});
