import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildTree } from '../../src/tree/merge.ts';
import { TreeStore, keyOfTree } from '../../src/tree/tree-store.ts';
import { file, layer } from './layer-maker.ts';
import { dumpTree } from './tree-dump.ts';
import { openCache } from '../layer/cache.ts';

const [A, B, C] = ['a', 'b', 'c'].map((name) => keyOfTree([name])) as [string, string, string];
const saved = { tree: buildTree([layer({ x: file({ size: 3 }) })]), layersSize: 3 };

let directory: string;
let store: TreeStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-trees-'));
  store = new TreeStore(openCache(join(directory, 'stratafs')));
});
afterEach(() => rmSync(directory, { recursive: true }));

const trees = (): string => join(directory, 'stratafs', 'trees');

describe('keyOfTree', () => {
  it('is another one for other layers, other order, and fewer layers', () => {
    const keys = [['a', 'b'], ['b', 'a'], ['a'], ['a', 'b', 'b'], []].map(keyOfTree);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('TreeStore', () => {
  it('answers what was saved, and nothing before', async () => {
    expect(await store.load(A)).toBeUndefined();
    await store.save(A, saved);
    expect(dumpTree((await store.load(A))?.tree ?? expect.fail('not kept'))).toEqual(dumpTree(saved.tree));
    expect(await store.load(B)).toBeUndefined();
  });

  it('makes its directory for the owner alone, and leaves no drafts, its own or those of the dead', async () => {
    await store.save(A, saved);
    writeFileSync(join(trees(), `${B}.tree.999999999.abcdef.draft`), '');
    await store.save(A, saved);
    expect(statSync(trees()).mode & 0o777).toBe(0o700);
    expect(readdirSync(trees())).toEqual([`${A}.tree`]);
  });

  it('keeps one whole tree of two that are saved at once', async () => {
    const other = new TreeStore(openCache(join(directory, 'stratafs')));
    await Promise.all([store.save(A, saved), other.save(A, saved), store.save(A, saved)]);
    expect(readdirSync(trees())).toEqual([`${A}.tree`]);
    expect(await store.load(A)).toBeDefined();
  });

  it('drops what was longest unused, beyond its bound, but never what it has just saved', async () => {
    await store.save(A, saved);
    await store.save(B, saved);
    for (const key of [A, B]) utimesSync(join(trees(), `${key}.tree`), 1000, 1000);
    expect(await store.load(A)).toBeDefined(); // a use
    const size = statSync(join(trees(), `${A}.tree`)).blocks * 512;
    await new TreeStore(openCache(join(directory, 'stratafs')), 2 * size).save(C, saved);
    expect(
      (await Promise.all([A, B, C].map((key) => store.load(key)))).map((found) => found !== undefined),
    ).toEqual([true, false, true]);
    await new TreeStore(openCache(join(directory, 'stratafs')), 0).save(B, saved);
    expect(readdirSync(trees())).toEqual([`${B}.tree`]);
  });

  it("answers nothing where something else lies in a tree's place", async () => {
    await store.save(A, saved);
    rmSync(join(trees(), `${A}.tree`));
    writeFileSync(join(trees(), `${A}.tree`), 'no tree');
    expect(await store.load(A)).toBeUndefined();
    await store.save(A, saved);
    expect(await store.load(A)).toBeDefined();
  });

  it('works where mkdir says ENOENT, as in procfs', async () => {
    const nowhere = new TreeStore(openCache('/proc/cache/stratafs'));
    await nowhere.save(A, saved);
    expect(await nowhere.load(A)).toBeUndefined();
  });
});
