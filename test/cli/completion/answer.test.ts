import { gzipSync } from 'node:zlib';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixture, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

describe('stratafs __complete', () => {
  it.each([
    [[]],
    [['--']],
    [['--', 'frob', 'x']],
    [['--', '-o', 'x']],
    [['--', 'history', '/nowhere/app.tar:']],
    [['--', 'mount', '-o', 'frob=\\']],
    [['--', 'diff', "'#"]],
  ])('%j: never fails, and prints nothing on stderr', (args) =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs(['__complete', ...args]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }),
  );

  it('prints lines, with the request for paths first', () =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs(['__complete', '--', 'commit', '/mnt', '-o', 'oci:']);
      expect(stdout).toBe(':directories oci:\n');
      const formats = await place.stratafs(['__complete', '--', 'commit', '/mnt', '--compression', '']);
      expect(formats.stdout).toBe('plain\ngzip\nzstd\n');
    }));

  it('neither indexes a layer nor unpacks an archive', () =>
    withWorkplace(async (place) => {
      writeFileSync(place.path('app.tar'), readFileSync(fixture('expressweb.tar')));
      writeFileSync(place.path('app.tar.gz'), gzipSync(readFileSync(fixture('expressweb.tar'))));
      const plain = await place.stratafs(['__complete', '--', 'history', 'app.tar:']);
      expect(plain.stdout).toContain('app.tar:expressweb:1.0.0\t');
      const compressed = await place.stratafs(['__complete', '--', 'history', 'app.tar.gz:']);
      expect(compressed.stdout).not.toContain('app.tar.gz:');
      expect(existsSync(place.path('cache'))).toBe(false);
    }));
});

describe('stratafs completion', () => {
  it.each([
    ['bash', 'complete -F _stratafs stratafs'],
    ['zsh', '#compdef stratafs'],
    ['fish', 'complete -c stratafs'],
  ])('prints the script for %s', (shell, line) =>
    withWorkplace(async (place) => {
      const { status, stdout } = await place.stratafs(['completion', shell]);
      expect(status).toBe(0);
      expect(stdout).toContain(line);
    }),
  );
});

describeWith(['fuse'], 'stratafs __complete, of mounts', () => {
  it('offers mount points, relative to here or absolute, and the layers of what is mounted', () =>
    withWorkplace(async (place) => {
      await place.mount(fixture('expressweb.tar'));
      const ask = async (...words: string[]): Promise<string[]> =>
        (await place.stratafs(['__complete', '--', ...words])).stdout.split('\n');
      expect(await ask('unmount', '')).toContain(`mnt\t${fixture('expressweb.tar')}`);
      expect(await ask('unmount', '/')).toContain(`${place.mountpoint}\t${fixture('expressweb.tar')}`);
      expect(await ask('squash', 'mnt', '--from', '')).toContain('3\tRUN npm install');
      expect(await ask('diff', 'mnt#')).toContain('mnt#3\tRUN npm install');
      await place.unmount();
    }));
});
