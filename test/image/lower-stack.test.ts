import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { absoluteLowerStack, openLowerStack, parseLowerStack } from '../../src/image/lower-stack.ts';
import { scratchDirectory, tarFile } from './scratch.ts';

describe('lowerdir=', () => {
  test('lists layers topmost first', () => {
    expect(parseLowerStack('top.tar:middle:base.tar.gz')).toEqual(['top.tar', 'middle', 'base.tar.gz']);
  });

  test('a backslash takes the meaning from a colon, a comma and a backslash', () => {
    expect(parseLowerStack(String.raw`a\:b:c\,d:e\\:f\g`)).toEqual(['a:b', 'c,d', 'e\\', 'fg']);
  });

  test.each([
    ['', 'lowerdir=: layer 1 from the top is empty, expected a path'],
    ['a::b', 'lowerdir=a::b: layer 2 from the top is empty, expected a path'],
    ['a:', 'lowerdir=a:: layer 2 from the top is empty, expected a path'],
    ['a\\', 'lowerdir=a\\: found a backslash at the end, expected one more character'],
    [Array(501).fill('a').join(':'), 'lowerdir=: found 501 layers, expected at most 500'],
  ])('%.20j is an error', (text, message) => {
    expect(() => parseLowerStack(text)).toThrow(message);
  });

  test('gives an image base first, without a config, tars and directories mixed', async () => {
    const root = await scratchDirectory();
    await mkdir(join(root, 'top:dir'));
    const base = await tarFile([['x', 'y']]);
    const text = `${join(root, 'top\\:dir')}:${base}`;
    const image = await openLowerStack(text);
    expect(image).toMatchObject({ source: text, names: [], id: undefined, config: undefined, history: [] });
    expect(image.layers).toEqual([
      { kind: 'blob', blob: { path: base, offset: 0, length: 2048 } },
      { kind: 'directory', path: join(root, 'top:dir') },
    ]);
  });
});

describe('a layer that is none', () => {
  test('is missing, empty or a device', async () => {
    const root = await scratchDirectory();
    await writeFile(join(root, 'empty'), '');
    await expect(openLowerStack(join(root, 'none'))).rejects.toThrow(`${root}/none: can't open: ENOENT`);
    await expect(openLowerStack(join(root, 'empty'))).rejects.toThrow('found an empty file, expected a tar');
    await expect(openLowerStack('/dev/null')).rejects.toThrow('/dev/null: found no regular file');
  });

  test('is a fifo, which is opened without waiting for a writer', async () => {
    const root = await scratchDirectory();
    execFileSync('mkfifo', [join(root, 'fifo')]);
    await expect(openLowerStack(join(root, 'fifo'))).rejects.toThrow('found no regular file');
  });

  test('is compressed in a way that is not read: the message says how to decompress it', async () => {
    const path = join(await scratchDirectory(), 'x.tar');
    await writeFile(path, Buffer.from('04224d1864000000', 'hex'));
    await expect(openLowerStack(path)).rejects.toThrow(
      `${path}: found lz4 compression, expected a tar that is plain or compressed by gzip, zstd, xz or bzip2`,
    );
  });
});

test('a stack is the same, with absolute paths, for a process that is somewhere else', () => {
  expect(absoluteLowerStack('a\\:b:/c:d\\\\e', '/at')).toBe('/at/a\\:b:/c:/at/d\\\\e');
});
