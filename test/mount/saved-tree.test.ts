// A second mount, which uses the saved tree instead of merging layers, shows exactly the same as the first one.
//
// The index files show whether the saved tree was used: their columns are damaged between two mounts, and a mount that opens
// the layers writes them again.
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

/** Everything that the mount shows: stat, content, holes, xattrs, and inode numbers including that of the root. */
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

/** Mounts with these arguments, reads the tree, and unmounts. */
async function lookOnce(place: Workplace, source: string, ...options: string[]): Promise<string> {
  await place.mount(source, ...options);
  const seen = look(place);
  await place.unmount();
  return seen;
}

/** Without access times: reading a directory of the upper changes its own. */
const withoutAtimes = (seen: string): string => seen.replaceAll(/ atime .*/g, '');

const cacheFiles = (place: Workplace, folder: string): string[] => {
  const directory = place.path(`cache/stratafs/${folder}`);
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
};
const trees = (place: Workplace): string[] => cacheFiles(place, 'trees');
const indexes = (place: Workplace): string[] => cacheFiles(place, 'indexes');

/** Damages the columns of all indexes, which are at the end of the files. Returns a function that checks whether they still are. */
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
      // Without the tree it reads the indexes, detects the damage, and writes both again.
      rmSync(trees(place)[0] as string);
      await place.mount(source, ...options);
      await place.unmount();
      expect(areSpoilt()).toBe(false);
      expect(trees(place)).toHaveLength(1);
      expect(place.drafts()).toEqual([]);
    }),
  );

  it('answers the same requests in native code as the first', () =>
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
      // The kernel sends FORGET when it drops inodes from its cache. It decides when, and how many at once.
      const [first, second] = counts.map((each) =>
        Object.keys(each)
          .filter((name) => !name.endsWith('FORGET'))
          .sort(),
      );
      expect(second).toEqual(first);
      expect(second).toEqual(expect.arrayContaining(['LOOKUP', 'READ', 'READDIRPLUS', 'READLINK']));
    }));

  it('shows the files that the first wrote to the upper directory, with the same inode numbers', () =>
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

  it('may be the first after `stratafs index`, and merges nothing', () =>
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
      // A tree that is saved again is a new file.
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

  it('with --no-verify saves no tree of layers without verified digests, and uses the tree of verified ones', () =>
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

  it('with --no-index-cache neither saves nor uses a tree', () =>
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

  it('replaces an incomplete tree', () =>
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

  it('is refused if the archive has changed', () =>
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

  it('at the same time as the first leaves one complete tree', () =>
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
  it('indexes layers that can not be merged, and mounting them is the error', () =>
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
