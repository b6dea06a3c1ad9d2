// The built commands export and cat. What a tar holds is tested in test/inspect/export-tar.test.ts.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configOf, sampleLayer } from '../../image/sample-images.ts';
import { tarFile } from '../../image/scratch.ts';
import { fixture, run, runAlone, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const source = fixture('expressweb.tar');

describe('stratafs export', () => {
  it('writes a tar to a file, which appears complete, and the same to standard output', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs(['export', source, '-o', 'root.tar']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readdirSync(place.directory).sort()).toEqual(['cache', 'mnt', 'root.tar']);
      const listed = execFileSync('tar', ['-tf', place.path('root.tar')], { encoding: 'utf8' }).split('\n');
      expect(listed.slice(0, 2)).toEqual(['./', 'bin']);
      expect(listed).toContain('usr/src/app/server.js');
      const piped = await place.stratafs(['export', source]);
      expect(piped.stdout).toHaveLength(readFileSync(place.path('root.tar')).toString('utf8').length);
    }));

  it('exports the stack up to a layer', () =>
    withWorkplace(async (place) => {
      await place.stratafs(['export', '--upto', '2', source, '-o', 'root.tar']);
      const listed = execFileSync('tar', ['-tf', place.path('root.tar')], { encoding: 'utf8' }).split('\n');
      expect(listed.filter((name) => name.startsWith('usr/src/app/'))).toEqual([
        'usr/src/app/',
        'usr/src/app/package.json',
      ]);
    }));

  it('leaves no file if it fails', () =>
    withWorkplace(async (place) => {
      const missing = await place.stratafs(['export', source, '-o', 'nowhere/root.tar']);
      expect(missing.status).toBe(1);
      expect(missing.stderr).toMatch(/^stratafs: nowhere\/root\.tar: nowhere is not a directory\n$/);
      const directory = await place.stratafs(['export', source, '-o', 'mnt']);
      expect(directory).toMatchObject({
        status: 1,
        stderr: 'stratafs: mnt: is a directory, expected a file to write\n',
      });
      // Truncate it after the headers of the archive.
      const bytes = readFileSync(source);
      writeFileSync(place.path('short.tar'), bytes.subarray(0, bytes.length - 20_480));
      expect((await place.stratafs(['export', 'short.tar', '-o', 'root.tar'])).status).toBe(1);
      expect(readdirSync(place.directory).filter((name) => name.includes('root'))).toEqual([]);
    }));
});

describeWith([{ program: 'skopeo' }, 'fuse'], 'a config', () => {
  it.each([
    ['{"rootfs":'],
    ['[]'],
    [{ history: 5 }],
    [{ created: 5 }],
    [{ architecture: [] }],
    [{}],
    [{ history: null }],
  ])('that is %j is taken by mount, export and flatten if skopeo takes it', async (change) => {
    const layer = await sampleLayer('text');
    const config =
      typeof change === 'string' ? change : JSON.stringify({ ...JSON.parse(configOf([layer])), ...change });
    const entry = { Config: 'config.json', RepoTags: ['app:1'], Layers: ['layer.tar'] };
    const image = await tarFile([
      ['config.json', config],
      ['layer.tar', layer.tar],
      ['manifest.json', JSON.stringify([entry])],
    ]);
    await withWorkplace(async (place) => {
      const skopeo = await run('skopeo', [
        '--insecure-policy',
        'copy',
        `docker-archive:${image}`,
        `dir:${place.path('o')}`,
      ]);
      const mounted = await place.stratafs(['mount', image, 'mnt']);
      if (mounted.status === 0) await place.unmount();
      const exported = await place.stratafs(['export', image, '-o', 'out.tar']);
      const flattened = await place.stratafs(['flatten', image, '-o', 'docker-archive:flat.tar:app:2']);
      const taken = skopeo.status === 0;
      const statuses = [mounted, exported, flattened].map(({ status }) => status === 0);
      expect(statuses).toEqual([taken, taken, taken]);
      expect([exported.stderr, flattened.stderr]).toEqual([mounted.stderr, mounted.stderr]);
    });
  });
});

describe('stratafs cat', () => {
  it('writes files one after the other, and follows symlinks', async () => {
    const readme = readFileSync(join(fixture('expressweb'), 'README.md'), 'utf8');
    const { status, stdout } = await runAlone(
      'cat',
      source,
      '/usr/src/app/README.md',
      'etc/../usr/src/app/README.md',
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: readme + readme });
  });

  it.each([
    ['/nope', 'no such file in the image'],
    ['/usr', 'found a directory, expected a file'],
  ])('rejects %s in one line, and writes nothing', async (path, reason) => {
    const { status, stdout, stderr } = await runAlone('cat', source, '/usr/src/app/README.md', path);
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: `stratafs: ${source}: ${path}: ${reason}\n`,
    });
  });

  it('rejects a device', async () => {
    const { stderr } = await runAlone('cat', fixture('edge-cases.tar'), '/dev/big-minor');
    expect(stderr).toMatch(/big-minor: found a character device, expected a file\n$/);
  });

  it('writes the version of a file in one layer', async () => {
    const both = `${fixture('expressweb-both.tar')}:extending-expressweb`;
    const old = await runAlone('cat', '--upto', '4', both, '/usr/src/app/server.js');
    expect(old.stdout).toBe(readFileSync(join(fixture('expressweb'), 'server.js'), 'utf8'));
    const now = await runAlone('cat', both, '/usr/src/app/server.js');
    expect(now.stdout).toBe(readFileSync(join(fixture('extending-expressweb'), 'server.js'), 'utf8'));
  });
});
