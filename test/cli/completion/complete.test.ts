import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { complete } from '../../../src/cli/completion/complete.ts';
import { indexImage } from '../../../src/library/mount.ts';
import { scratchDirectory } from '../../image/scratch.ts';
import { fixture } from '../../mount/stratafs.ts';

const both = fixture('expressweb-both.tar');
const app = fixture('expressweb.tar');

const valuesOf = async (...words: string[]): Promise<string[]> =>
  (await complete(words)).candidates.map(({ value }) => value);

/** Runs `body` with a cache directory of its own, which is empty; it gets a function that indexes an image. */
async function withCache(
  body: (index: (source: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  vi.stubEnv('XDG_CACHE_HOME', await scratchDirectory());
  try {
    await body((source) => indexImage(source));
  } finally {
    vi.unstubAllEnvs();
  }
}

describe('complete', () => {
  it('offers commands and global options first', async () => {
    expect(await valuesOf('')).toEqual(expect.arrayContaining(['mount', 'squash', 'help', '--version']));
    expect(await valuesOf('help', '')).toContain('mount');
    expect(await valuesOf('help', 'mount', '')).toEqual([]);
  });

  it('offers the options of the command, and those of unmount for umount', async () => {
    expect(await valuesOf('umount', '-')).toEqual(['--all', '-a', '--lazy', '-l', '--force', '-f', '--help']);
    expect(await valuesOf('squash', '--')).toEqual(expect.arrayContaining(['--from', '--output', '-c']));
  });

  it('offers the names of the images after the colon of an archive', async () => {
    const names = [
      ...['expressweb:latest', 'expressweb:1.0.0', 'extending-expressweb:latest'],
      'localhost:5000/team/extending-expressweb:v2',
    ];
    expect(await valuesOf('history', `${both}:`)).toEqual(names.map((name) => `${both}:${name}`));
    expect(await valuesOf('history', `docker-archive:${both}:exp`)).toEqual(
      names.map((name) => `docker-archive:${both}:${name}`),
    );
    expect(await valuesOf('mount', `${both}:@`)).toEqual([`${both}:@0`, `${both}:@1`]);
    const { candidates } = await complete(['images', `${fixture('platforms.tar')}:demo`]);
    expect(candidates[0]?.about).toBe('linux/amd64, linux/arm64/v8, linux/arm/v7, linux/arm/v6');
  });

  it('offers the positions of images without names', async () => {
    const archive = fixture('forms/skopeo-untagged.tar');
    expect(await valuesOf('layers', `${archive}:`)).toEqual([`${archive}:@0`]);
  });

  it('offers layers with their instructions if the source is known', async () => {
    const layers = await complete(['squash', app, '--from', '']);
    expect(layers.candidates.map(({ value }) => value)).toEqual(['1', '2', '3', '4']);
    expect(layers.candidates[2]?.about).toBe('RUN npm install');
    expect(await valuesOf('cat', `--upto`, '')).toEqual([]);
    expect(await valuesOf('cat', app, '--upto=')).toEqual(['--upto=1', '--upto=2', '--upto=3', '--upto=4']);
    expect(await valuesOf('cat', both, '--upto', '')).toEqual([]);
    expect(await valuesOf('diff', `${app}#`)).toEqual([1, 2, 3, 4].map((number) => `${app}#${number}`));
    expect(await valuesOf('mount', app, '/mnt', '-o', 'ro,upto=')).toEqual(
      [1, 2, 3, 4].map((number) => `ro,upto=${number}`),
    );
  });

  it('offers the platforms of a source', async () => {
    const platforms = fixture('platforms.tar');
    expect(await valuesOf('images', platforms, '--platform', '')).toEqual([
      ...['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7', 'linux/arm/v6'],
    ]);
  });

  it('offers each mount option once, and values, but no option without effect', async () => {
    const options = await valuesOf('mount', '-oro,tmp,');
    expect(options).toEqual(expect.arrayContaining(['-oro,tmp,metacopy=', '-oro,tmp,nodev']));
    expect(options).not.toContain('-oro,tmp,tmp');
    expect(options).not.toContain('-oro,tmp,nofail');
    expect(options).not.toContain('-oro,tmp,xino=');
    expect(await valuesOf('mount', '-o', 'redirect_dir=')).toEqual([
      ...['redirect_dir=on', 'redirect_dir=off', 'redirect_dir=follow'],
    ]);
    expect(await valuesOf('mount', '-o', 'restart=')).toEqual(['restart=on', 'restart=off']);
  });

  it('leaves paths to the shell, with the prefix that they follow', async () => {
    const pathsOf = async (...words: string[]): Promise<unknown> => (await complete(words)).paths;
    expect(await pathsOf('history', '')).toEqual({ kind: 'files', prefix: '' });
    expect(await pathsOf('history', 'oci:x')).toEqual({ kind: 'directories', prefix: 'oci:' });
    expect(await pathsOf('mount', app, '')).toEqual({ kind: 'directories', prefix: '' });
    expect(await pathsOf('mount', '-o', 'lowerdir=a:b', '')).toEqual({ kind: 'directories', prefix: '' });
    expect(await pathsOf('mount', '-o', 'ro,lowerdir=a\\:b:c')).toEqual({
      ...{ kind: 'files', prefix: 'ro,lowerdir=a\\:b:' },
    });
    expect(await pathsOf('mount', '--upper=x')).toEqual({ kind: 'directories', prefix: '--upper=' });
    expect(await pathsOf('commit', '/mnt', '-ooci-archive:')).toEqual({
      ...{ kind: 'files', prefix: '-ooci-archive:' },
    });
    expect(await pathsOf('mount', app, 'mnt', '')).toBeUndefined();
  });

  it('offers the paths of an image that has been indexed, and only of such', () =>
    withCache(async (index) => {
      expect(await valuesOf('cat', app, '/usr/sr')).toEqual([]);
      expect(await valuesOf('cp', `${app}:/usr/sr`)).not.toContain(`${app}:/usr/src/`);
      await index(app);
      for (const command of ['cat', 'tree', 'which']) {
        expect(await valuesOf(command, app, '/usr/sr')).toEqual(['/usr/src/']);
      }
      expect(await valuesOf('which', app, '/etc/passwd', '/etc/gr')).toEqual(['/etc/group']);
      // Symlinks to directories are entered inside the image.
      expect(await valuesOf('cat', app, '/bi')).toEqual(['/bin/']);
      expect(await valuesOf('cat', app, '/bin/chr')).toEqual(['/bin/chroot']);
      expect(await valuesOf('cat', app, 'etc/pass')).toEqual(['etc/passwd']);
      expect(await valuesOf('cp', `${app}:/usr/sr`)).toEqual([`${app}:/usr/src/`]);
      expect(await valuesOf('cp', `${app}:`)).toContain(`${app}:/`);
      expect(await valuesOf('cat', '--upto', '1', app, '/usr/src/')).toEqual([]);
      expect((await complete(['cp', `${app}:/etc/passwd`, ''])).paths).toEqual({ kind: 'files', prefix: '' });
    }));

  it('completes from the saved tree, without the indexes of the layers', () =>
    withCache(async (index) => {
      await index(app);
      const indexes = join(process.env['XDG_CACHE_HOME'] as string, 'stratafs/indexes');
      for (const name of readdirSync(indexes)) {
        const path = join(indexes, name);
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xff, bytes.length - 64)); // of the columns, which have a checksum
      }
      expect(await valuesOf('cat', app, '/usr/sr')).toEqual(['/usr/src/']);
    }));

  it('offers nothing for unknown words', async () => {
    expect(await complete(['frob', ''])).toEqual({ candidates: [] });
    expect(await complete(['mount', '-o', 'frob='])).toEqual({ candidates: [] });
    expect(await complete(['waste', app, '--top', ''])).toEqual({ candidates: [] });
  });
});
