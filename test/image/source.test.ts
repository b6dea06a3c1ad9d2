import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { absoluteSource, parseSource, pinSource } from '../../src/image/source.ts';
import { scratchDirectory } from './scratch.ts';

let root: string;

beforeEach(async () => {
  root = await scratchDirectory();
  for (const name of ['a.tar', 'b', 'b:c', 'b:c:d', 'x@3', 'y@3']) await writeFile(join(root, name), 'x');
  await writeFile(join(root, 'x'), 'x');
  await mkdir(join(root, 'layout'));
});

/** The source with the scratch directory taken away. */
async function parse(text: string): Promise<unknown> {
  const { transport, path, selector } = await parseSource(text.replace('ROOT', root));
  const chosen =
    selector.kind === 'all' ? '' : selector.kind === 'index' ? `@${selector.index}` : selector.text;
  return [transport ?? 'bare', path.replace(`${root}/`, ''), chosen];
}

describe('what a source may look like', () => {
  test.each([
    ['ROOT/a.tar', ['bare', 'a.tar', '']],
    ['ROOT/a.tar:alpine:3', ['bare', 'a.tar', 'alpine:3']],
    ['ROOT/a.tar:localhost:5000/x:1', ['bare', 'a.tar', 'localhost:5000/x:1']],
    ['ROOT/a.tar:@1', ['bare', 'a.tar', '@1']],
    ['ROOT/a.tar@1', ['bare', 'a.tar', '@1']],
    ['ROOT/a.tar:@sha256:abcd', ['bare', 'a.tar', '@sha256:abcd']],
    ['docker-archive:ROOT/a.tar', ['docker-archive', 'a.tar', '']],
    ['docker-archive:ROOT/a.tar:x:1', ['docker-archive', 'a.tar', 'x:1']],
    ['docker-archive:ROOT/a.tar:@0', ['docker-archive', 'a.tar', '@0']],
    ['oci:ROOT/layout:latest', ['oci', 'layout', 'latest']],
    ['oci-archive:ROOT/a.tar:@12', ['oci-archive', 'a.tar', '@12']],
  ])('%s', async (text, expected) => {
    expect(await parse(text)).toEqual(expected);
  });

  test('a bare path may hold colons: the longest that exists is meant', async () => {
    expect(await parse('ROOT/b:c:d')).toEqual(['bare', 'b:c:d', '']);
    expect(await parse('ROOT/b:c:e')).toEqual(['bare', 'b:c', 'e']);
    expect(await parse('ROOT/b:x:y')).toEqual(['bare', 'b', 'x:y']);
  });

  test('after a transport the first colon ends the path, where something of that name exists', async () => {
    expect(await parse('docker-archive:ROOT/b:c:d')).toEqual(['docker-archive', 'b', 'c:d']);
    expect(await parse('docker-archive:ROOT/y@3')).toEqual(['docker-archive', 'y@3', '']);
  });

  test('a path with an @ is meant before a place', async () => {
    expect(await parse('ROOT/x@3')).toEqual(['bare', 'x@3', '']);
    expect(await parse('ROOT/x@4')).toEqual(['bare', 'x', '@4']);
  });
});

describe('what a source may not look like', () => {
  test.each([
    [
      'docker-daemon:alpine:3',
      'docker-daemon:alpine:3: no saved image; save it first: `docker save -o IMAGE.tar alpine:3`',
    ],
    [
      'containers-storage:x',
      'containers-storage:x: no saved image; save it first: `skopeo copy containers-storage:x oci-archive:IMAGE.tar`',
    ],
    [
      'ostree:/nowhere',
      'ostree:/nowhere: no saved image; save it first: `skopeo copy ostree:/nowhere oci-archive:IMAGE.tar`',
    ],
    [
      'alpine:3',
      'alpine:3: no such file or directory; to save an image of that name: `docker save -o IMAGE.tar alpine:3`',
    ],
    ['/nowhere/x.tar', '/nowhere/x.tar: no such file or directory'],
    ['oci:/nowhere', 'oci:/nowhere: no such file or directory'],
    ['', ': no such file or directory'],
    ['a\0b', 'a\\000b: no such file or directory'],
  ])('%j', async (text, message) => {
    await expect(parseSource(text)).rejects.toThrow(
      expect.objectContaining({ name: 'InputError', message }) as Error,
    );
  });

  test('an empty reference and a place that is not a number are errors', async () => {
    await expect(parseSource(`${root}/a.tar:`)).rejects.toThrow('found an empty reference after the colon');
    await expect(parseSource(`${root}/a.tar:@-1`)).rejects.toThrow(
      'found @-1, expected @ and a number from 0',
    );
    await expect(parseSource(`${root}/a.tar:@9999999999`)).rejects.toThrow('expected @ and a number from 0');
  });
});

test.each([
  ['app.tar:x:1', '/d/app.tar:x:1'],
  ['./a/../app.tar', '/d/./a/../app.tar'],
  ['docker-archive:app.tar:@0', 'docker-archive:/d/app.tar:@0'],
  ['oci:/layout:tag', 'oci:/layout:tag'],
  ['/app.tar', '/app.tar'],
])('%s is %s for a process that is somewhere else', (text, absolute) => {
  expect(absoluteSource(text, '/d/')).toBe(absolute);
});

describe('a source in a registry', () => {
  test('stays as it is in every working directory', () => {
    expect(absoluteSource('docker://q.io/app:1', '/home')).toBe('docker://q.io/app:1');
  });

  test('can be pinned to a manifest', () => {
    expect(pinSource('docker://q.io:5000/app:1', 'sha256:ab')).toBe('docker://q.io:5000/app:1@sha256:ab');
    expect(pinSource('docker://q.io/app@sha256:cd', 'sha256:ab')).toBe('docker://q.io/app@sha256:ab');
  });
});
