// The mark of an upper that was not synced: what it says in the same start of the machine, and in a later one.
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  clearVolatile,
  isMarkedVolatile,
  markVolatile,
  readBootId,
  readPast,
} from '../../src/overlay/volatile-mark.ts';

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

test('a work directory without a mark tells nothing', () => {
  expect(readPast(fd, 'boot-1')).toBe('synced');
  expect(isMarkedVolatile(fd)).toBe(false);
  expect(clearVolatile(fd)).toBe(0);
});

test('a start of the machine has one name', () => {
  expect(readBootId()).toMatch(/^boot-[0-9a-f-]{36}$/);
  expect(readBootId()).toBe(readBootId());
});

test('a mark tells that nothing is lost in the same start, and nobody knows in another', () => {
  expect(markVolatile(fd, 'boot-1')).toBe(0);
  expect(isMarkedVolatile(fd)).toBe(true);
  expect(readPast(fd, 'boot-1')).toBe('unsynced');
  expect(readPast(fd, 'boot-2')).toBe('unknown');
});

test('a mark made anew is of the new start alone', () => {
  markVolatile(fd, 'boot-1');
  expect(markVolatile(fd, 'boot-2')).toBe(0);
  expect(readdirSync(join(work, 'incompat/volatile'))).toEqual(['boot-2']);
  expect(readPast(fd, 'boot-2')).toBe('unsynced');
});

test("the kernel's mark, which tells no start, is unknown", () => {
  mkdirSync(join(work, 'incompat/volatile'), { recursive: true });
  expect(readPast(fd, 'boot-1')).toBe('unknown');
});

test('a mark that is cleared leaves what the kernel leaves', () => {
  markVolatile(fd, 'boot-1');
  expect(clearVolatile(fd)).toBe(0);
  expect(readPast(fd, 'boot-1')).toBe('synced');
  expect(readdirSync(join(work, 'incompat'))).toEqual([]);
});

test('a mark of anything else is incompatible, beside that of volatile too', () => {
  markVolatile(fd, 'boot-1');
  mkdirSync(join(work, 'incompat/feature'));
  expect(readPast(fd, 'boot-1')).toBe('incompatible');
});
