// The built command cp. The copies are tested in test/copy and test/mount/copy.test.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { splitImagePath } from '../../../src/cli/options/image-path.ts';
import { fixture, withWorkplace } from '../../mount/stratafs.ts';

const source = fixture('expressweb.tar');

it.each([
  ['app.tar:/etc/passwd', { source: 'app.tar', path: '/etc/passwd' }],
  ['app.tar:app:2:/x', { source: 'app.tar:app:2', path: '/x' }],
  [
    'docker-archive:/tmp/a.tar:localhost:5000/app:/x',
    { source: 'docker-archive:/tmp/a.tar:localhost:5000/app', path: '/x' },
  ],
  ['oci:/tmp/layout:/', { source: 'oci:/tmp/layout', path: '/' }],
  ['/mnt:/a:/b', { source: '/mnt', path: '/a:/b' }],
  ['oci:/tmp/layout', undefined],
  ['app.tar:etc', undefined],
  [':/etc', undefined],
  ['app.tar', undefined],
])('%s names a file of an image, or does not', (text, expected) => {
  expect(splitImagePath(text)).toEqual(expected);
});

it('copies files of several images to a directory, and a layer of one', () =>
  withWorkplace(async (place) => {
    mkdirSync(place.path('out'));
    const args = [`${source}:/etc/passwd`, `${fixture('edge-cases.tar')}:/links/one`, `${source}:/etc/group`];
    expect(await place.stratafs(['cp', ...args, 'out'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readdirSync(place.path('out'))).toEqual(['group', 'one', 'passwd']);
    const path = `${fixture('expressweb-both.tar')}:extending-expressweb:/usr/src/app/server.js`;
    for (const layer of ['4', '5']) {
      expect(await place.stratafs(['cp', '--layer', layer, path, `server-${layer}.js`])).toMatchObject({
        status: 0,
      });
    }
    const [old, changed] = ['4', '5'].map((layer) => readFileSync(place.path(`server-${layer}.js`), 'utf8'));
    expect(old).not.toBe(changed);
  }));

it('writes a tar to standard output, with the last name of the path or the content only', () =>
  withWorkplace(async (place) => {
    const list = async (path: string): Promise<string[]> => {
      const { stdout } = await place.stratafs(['cp', `${source}:${path}`, '-']);
      return execFileSync('tar', ['-t'], { input: stdout, encoding: 'utf8' }).split('\n').slice(0, 3);
    };
    expect(await list('/usr/src')).toEqual(['src/', 'src/app/', 'src/app/.dockerignore']);
    expect(await list('/usr/src/.')).toEqual(['./', 'app/', 'app/.dockerignore']);
    expect(await list('/etc/passwd')).toEqual(['passwd', '', undefined].slice(0, 2));
  }));

it('refuses in one line, before anything is written', () =>
  withWorkplace(async (place) => {
    writeFileSync(place.path('file'), '');
    const refusals: [string[], number, RegExp][] = [
      [['cp', source], 2, /missing argument: DEST$/],
      [['cp', source, 'out'], 2, /expected SOURCE:PATH with an absolute path/],
      [['cp', `${source}:/etc/passwd`, ''], 2, /found '' as DEST/],
      [
        ['cp', `${source}:/etc/passwd`, 'app.tar:/etc'],
        2,
        /as DEST, expected a path of this machine: an image is/,
      ],
      [['cp', `${source}:/etc/passwd`, `${source}:/none`, '.'], 1, /\/none: no such file in the image$/],
      [['cp', `${source}:/etc/passwd/x`, '.'], 1, /\/etc\/passwd\/x: no such file in the image \(ENOTDIR\)$/],
      [['cp', `${source}:/etc`, 'file'], 1, /file: is a file, and a directory can't be copied to a file$/],
      [['cp', `${source}:/etc`, 'no/where'], 1, /no: is not a directory$/],
      [
        ['cp', `${source}:/etc`, 'edge.tar:/x', 'file'],
        1,
        /file: is not a directory, expected one for several/,
      ],
      [['cp', `${source}:/etc`, 'edge.tar:/x', '-'], 2, /a tar can have one source only$/],
    ];
    for (const [args, status, stderr] of refusals) {
      const found = await place.stratafs(args);
      expect({ args, ...found, stderr: found.stderr.trim() }).toEqual({
        ...{ args, status, stdout: '' },
        stderr: expect.stringMatching(stderr) as string,
      });
    }
    expect(readdirSync(place.directory).sort()).toEqual(['cache', 'file', 'mnt']);
  }));
