// lowerdir= stacks of tars and directories, compared with kernel overlayfs on the same directories.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, withWorkplace } from './stratafs.ts';

const oracleFile = (name: string): string => fileURLToPath(new URL(`../oracle/${name}`, import.meta.url));

/**
 * Makes the directories `base` (plain), `top` (whiteouts as AUFS writes them) and `top.overlayfs` (the same as
 * overlayfs writes them).
 */
function makeDirectories(place: Workplace): void {
  execFileSync('sh', [oracleFile('real-files.sh'), place.directory], { stdio: 'pipe' });
  execFileSync('cp', ['-a', place.path('top'), place.path('top.overlayfs')]);
  execFileSync('python3', [oracleFile('to-overlayfs.py'), place.path('top.overlayfs')]);
}

function pack(directory: string, ...options: string[]): string {
  const tar = `${directory}.tar`;
  const all = ['--format=pax', '--sparse', '--xattrs', '--xattrs-include=*', '--numeric-owner'];
  execFileSync('tar', ['-c', '-f', tar, '-C', directory, ...all, ...options, '.'], { stdio: 'pipe' });
  return tar;
}

/** The tree that kernel overlayfs shows of `directories`, topmost first. */
function byKernel(place: Workplace, directories: readonly string[]): Snapshot {
  const merged = place.path('merged');
  mkdirSync(merged);
  const lowerdir = directories.map((path) => path.replace(/[\\:,]/g, '\\$&')).join(':');
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lowerdir}`, merged]);
  try {
    return snapshotDirectory(merged);
  } finally {
    execFileSync('umount', [merged]);
  }
}

/** The tree that stratafs shows of `layers`: topmost first, relative to the workplace, escaped. */
async function byUs(place: Workplace, layers: readonly string[]): Promise<Snapshot> {
  const { status, stderr } = await place.stratafs(['mount', '-o', `lowerdir=${layers.join(':')}`, 'mnt']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const snapshot = snapshotDirectory(place.mountpoint);
  await place.unmount();
  return snapshot;
}

/** The tree that a directory layer shows: without the holes of files (docs/formats.md). */
function asDirectory(snapshot: Snapshot): Snapshot {
  return new Map(
    [...snapshot].map(([path, shown]) => {
      const hasBytes = shown.sha256 !== '' && shown.size > 0;
      return [path, { ...shown, data: hasBytes ? [0, shown.size] : [] }];
    }),
  );
}

const programs = ['python3', 'tar', 'gzip', 'zstd', 'setcap', 'setfattr'].map((program) => ({ program }));

describeWith(['fuse', 'root', ...programs], 'a lowerdir= stack', () => {
  it('of directories and tars in any mixture shows the same as kernel overlayfs', () =>
    withWorkplace(async (place) => {
      makeDirectories(place);
      const oracle = byKernel(place, [place.path('top.overlayfs'), place.path('base')]);
      expect(oracle.get('gone')).toBeUndefined();
      expect(oracle.get('usr/bin/tool')?.xattrs).toHaveProperty('security.capability');
      execFileSync('gzip', ['-k', pack(place.path('base'))]);
      execFileSync('zstd', ['-q', pack(place.path('top'))]);
      for (const [top, base] of [
        ['top', 'base'],
        ['top.overlayfs', 'base'],
        ['top.overlayfs', 'base.tar.gz'],
        ['top.tar', 'base.tar'],
        ['top.tar.zst', 'base'],
      ] as const) {
        const expected = base === 'base' ? asDirectory(oracle) : oracle;
        expect(await byUs(place, [top, base]), `lowerdir=${top}:${base}`).toEqual(expected);
      }
    }));

  it('obeys whiteouts in the form of xattrs and opaque directories as kernel overlayfs does', () =>
    withWorkplace(async (place) => {
      const script = `
        mkdir -p base/kept base/emptied/deep base/hidden base/later mid/kept mid/emptied low/kept
        for file in base/kept/one base/kept/two base/emptied/deep/file base/hidden/file base/later/file; do
          echo "$file" >"$file"
        done
        # An empty file with overlay.whiteout is a whiteout where the directory's overlay.opaque is x.
        setfattr -n trusted.overlay.opaque -v x mid/kept
        : >mid/kept/one
        setfattr -n trusted.overlay.whiteout -v y mid/kept/one
        : >mid/kept/no-whiteout
        setfattr -n trusted.overlay.opaque -v y mid/emptied
        echo new >mid/emptied/new
        mknod mid/hidden c 0 0
        # overlay.overlay.NAME is a nested overlay's own mark.
        mkdir mid/nested
        setfattr -n trusted.overlay.overlay.opaque -v y mid/nested`;
      execFileSync('sh', ['-ec', script], { cwd: place.directory, stdio: 'pipe' });
      const oracle = byKernel(place, [place.path('mid'), place.path('base')]);
      expect([...oracle.keys()]).toEqual([
        ...['', 'emptied', 'emptied/new', 'kept', 'kept/no-whiteout', 'kept/two'],
        ...['later', 'later/file', 'nested'],
      ]);
      expect(oracle.get('nested')?.xattrs).toEqual({ 'trusted.overlay.opaque': 'y' });
      expect(await byUs(place, ['mid', 'base'])).toEqual(asDirectory(oracle));
    }));

  it('accepts paths with colons, commas, backslashes and blanks, escaped as for mount(8) and overlayfs', () =>
    withWorkplace(async (place) => {
      makeDirectories(place);
      const top = 'a:b,c\\d e';
      renameSync(place.path('top.overlayfs'), place.path(top));
      mkdirSync(place.path('x,y'));
      execFileSync('cp', ['-a', place.path('base'), place.path('x,y/:base:')]);
      const tar = pack(place.path('base'));
      renameSync(tar, place.path('x,y/base:1,2.tar'));
      const oracle = byKernel(place, [place.path(top), place.path('x,y/:base:')]);
      const escaped = 'a\\:b\\,c\\\\d e';
      expect(await byUs(place, [escaped, 'x\\,y/\\:base\\:'])).toEqual(asDirectory(oracle));
      expect(await byUs(place, [escaped, 'x\\,y/base\\:1\\,2.tar'])).toEqual(oracle);
      expect(
        await byUs(place, [join(place.directory, escaped), join(place.directory, 'x\\,y/base\\:1\\,2.tar')]),
      ).toEqual(oracle);
    }));

  it('of 40 directories shows the same as kernel overlayfs', () =>
    withWorkplace(async (place) => {
      const layers = Array.from({ length: 40 }, (_, n) => `layer-${n}`);
      for (const [n, layer] of layers.entries()) {
        mkdirSync(place.path(`${layer}/common`), { recursive: true });
        const script = 'echo "$0" >"common/$0"; echo "$0" >common/replaced; touch -d @"$0" . common common/*';
        execFileSync('sh', ['-ec', script, String(n)], { cwd: place.path(layer) });
        if (n % 3 === 1)
          execFileSync('mknod', [`common/${n + 1}`, 'c', '0', '0'], { cwd: place.path(layer) });
      }
      const oracle = byKernel(
        place,
        layers.map((layer) => place.path(layer)),
      );
      expect(oracle.get('common/2')).toBeUndefined();
      expect(await byUs(place, layers)).toEqual(asDirectory(oracle));
    }));

  it('127 layers mount though their names are longer than the mount table takes', () =>
    withWorkplace(async (place) => {
      makeDirectories(place);
      const tar = pack(place.path('base'));
      const lowerdir = new Array<string>(127).fill(tar.padStart(60, '/')).join(':');
      expect(lowerdir.length).toBeGreaterThan(4096);
      const { status, stderr } = await place.stratafs(['mount', '-o', `lowerdir=${lowerdir}`, 'mnt']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      await place.unmount();
    }));
});
