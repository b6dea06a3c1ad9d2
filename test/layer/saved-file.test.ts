import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { saveFile, withSavedFile } from '../../src/layer/saved-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-saved-'));
  path = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true }));

const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('the pieces follow each other in a file for the owner alone, and no draft remains', async () => {
  await saveFile(path, [Buffer.from('ab'), new Uint8Array(), Buffer.from('c')]);
  expect(readFileSync(path, 'latin1')).toBe('abc');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['file']);
});

test('of two that save at once one is there, whole', async () => {
  const contents = ['a', 'b'].map((letter) => letter.repeat(1 << 20));
  await Promise.all(contents.map((content) => saveFile(path, [Buffer.from(content)])));
  expect(contents).toContain(readFileSync(path, 'latin1'));
  expect(readdirSync(directory)).toEqual(['file']);
});

test('a save that fails throws, and leaves neither a draft nor a descriptor', async () => {
  mkdirSync(path);
  const before = descriptors();
  await expect(saveFile(path, [Buffer.from('ab')])).rejects.toThrow(/EISDIR/);
  expect(readdirSync(directory)).toEqual(['file']);
  expect(descriptors()).toBe(before);
});

test('a range is read alone, and what lies beyond the end is undefined', async () => {
  await saveFile(path, [Buffer.from('abcdef')]);
  const read = await withSavedFile(path, async (file) => [
    file.size,
    Buffer.from((await file.read(2, 3)) as ArrayBuffer).toString('latin1'),
    await file.read(4, 3),
    (await file.read(6, 0))?.byteLength,
  ]);
  expect(read).toEqual([6, 'cde', undefined, 0]);
});

test('a missing file is undefined, another failure is thrown', async () => {
  const use = (): Promise<number> => Promise.resolve(1);
  expect(await withSavedFile(path, use)).toBeUndefined();
  await expect(withSavedFile('x'.repeat(300), use)).rejects.toThrow(/ENAMETOOLONG/);
});

test('the file is closed although the one who reads it throws', async () => {
  await saveFile(path, [Buffer.from('ab')]);
  const before = descriptors();
  await expect(withSavedFile(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(descriptors()).toBe(before);
});
