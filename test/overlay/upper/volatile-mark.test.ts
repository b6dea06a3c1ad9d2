// The mark of an upper whose files may not be on the disk.
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearVolatile, markVolatile, readPast } from '../../../src/overlay/upper/volatile-mark.ts';

let work = '';
let fd = -1;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'stratafs-work-'));
  fd = openSync(work, constants.O_RDONLY | constants.O_DIRECTORY);
});
afterEach(() => {
  closeSync(fd);
  rmSync(work, { recursive: true });
});

test('an upper without the mark counts as synced', () => {
  expect(readPast(fd)).toBe('synced');
  expect(clearVolatile(fd)).toBe(0);
});

test('the mark is that of kernel overlayfs, and can be set twice', () => {
  expect([markVolatile(fd), markVolatile(fd)]).toEqual([0, 0]);
  expect(readdirSync(join(work, 'incompat'))).toEqual(['volatile']);
  expect(readPast(fd)).toBe('volatile');
});

test('clearing the mark leaves the same directories as kernel overlayfs', () => {
  markVolatile(fd);
  expect(clearVolatile(fd)).toBe(0);
  expect(readPast(fd)).toBe('synced');
  expect(readdirSync(join(work, 'incompat'))).toEqual([]);
});

test('a mark of an earlier version, which holds a boot ID, counts, and can be cleared', () => {
  mkdirSync(join(work, 'incompat/volatile/boot-1'), { recursive: true });
  expect(readPast(fd)).toBe('volatile');
  expect(clearVolatile(fd)).toBe(0);
  expect(readPast(fd)).toBe('synced');
});

test('any other mark is incompatible, also together with the volatile mark', () => {
  markVolatile(fd);
  mkdirSync(join(work, 'incompat/feature'));
  expect(readPast(fd)).toBe('incompatible');
});
