import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropOldest, noteUse } from '../../src/layer/drop-oldest.ts';

const SIZE = 64 << 10;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-drop-'));
  // Last used in this order, not that of their names.
  for (const [i, name] of ['c.tree', 'a.tree', 'b.tree', 'old.idx'].entries()) {
    const path = join(directory, name);
    writeFileSync(path, Buffer.alloc(SIZE, 1));
    utimesSync(path, 1000 + i, 1000 + i);
  }
});
afterEach(() => rmSync(directory, { recursive: true }));

const is = (wanted: string) => (name: string) => name === wanted;
const names = (): string[] => readdirSync(directory).sort();
/** What `count` of the files take. */
const room = (count: number): number => count * statSync(join(directory, 'a.tree')).blocks * 512;

test('nothing is dropped where all fit', () => {
  dropOldest(directory, ['.tree'], room(3), is('b.tree'));
  expect(names()).toEqual(['a.tree', 'b.tree', 'c.tree', 'old.idx']);
});

test('the longest unused go first, only as many as must, and no others', () => {
  dropOldest(directory, ['.tree'], room(2), is('b.tree'));
  expect(names()).toEqual(['a.tree', 'b.tree', 'old.idx']);
  dropOldest(directory, ['.tree'], room(2) - 1, is('b.tree'));
  expect(names()).toEqual(['b.tree', 'old.idx']);
});

test('one stays, however old and large it is', () => {
  dropOldest(directory, ['.tree'], 0, is('c.tree'));
  expect(names()).toEqual(['c.tree', 'old.idx']);
});

test('those that are in use stay, and others go in their place', () => {
  const remove = (path: string): boolean => {
    if (path.endsWith('c.tree')) return false;
    rmSync(path);
    return true;
  };
  dropOldest(directory, ['.tree'], room(1), (name) => name === 'b.tree', remove);
  expect(names()).toEqual(['b.tree', 'c.tree', 'old.idx']);
});

test('a use counts', () => {
  noteUse(join(directory, 'c.tree'));
  dropOldest(directory, ['.tree'], room(2), is('b.tree'));
  expect(names()).toEqual(['b.tree', 'c.tree', 'old.idx']);
});

test('marking a file as used after it was deleted is not an error', () => {
  expect(() => noteUse(join(directory, 'gone.tree'))).not.toThrow();
});
