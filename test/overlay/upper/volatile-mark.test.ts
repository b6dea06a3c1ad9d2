// The mark of an upper that may not be on the disk.
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

test('a work directory without a mark was synced', () => {
  expect(readPast(fd)).toBe('synced');
  expect(clearVolatile(fd)).toBe(0);
});

test("a mark is the kernel's, and made only once", () => {
  expect([markVolatile(fd), markVolatile(fd)]).toEqual([0, 0]);
  expect(readdirSync(join(work, 'incompat'))).toEqual(['volatile']);
  expect(readPast(fd)).toBe('volatile');
});

test('a mark that is cleared leaves what the kernel leaves', () => {
  markVolatile(fd);
  expect(clearVolatile(fd)).toBe(0);
  expect(readPast(fd)).toBe('synced');
  expect(readdirSync(join(work, 'incompat'))).toEqual([]);
});

test('a mark of an earlier version, with a boot ID in it, is one, and is cleared', () => {
  mkdirSync(join(work, 'incompat/volatile/boot-1'), { recursive: true });
  expect(readPast(fd)).toBe('volatile');
  expect(clearVolatile(fd)).toBe(0);
  expect(readPast(fd)).toBe('synced');
});

test('a mark of anything else is incompatible, beside that of volatile too', () => {
  markVolatile(fd);
  mkdirSync(join(work, 'incompat/feature'));
  expect(readPast(fd)).toBe('incompatible');
});
