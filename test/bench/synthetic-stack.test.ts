// Synthetic stacks: the same bytes for the same settings, and the same tree for any number of layers.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CatalogueEntry, catalogueOf } from '../../src/bench/catalogue.ts';
import { writeSyntheticStack } from '../../src/bench/synthetic-stack.ts';
import { inspectImage, mergeImage } from '../../src/inspect/inspect.ts';

const shape = { files: 60, depth: 2, fanout: 3, seed: 4, hasLargeFile: false };
const { signal } = new AbortController();
let scratch: string;

beforeEach(() => (scratch = mkdtempSync(join(tmpdir(), 'stratafs-synthetic-'))));
afterEach(() => rmSync(scratch, { recursive: true }));

async function catalogue(name: string, layers: number, hasLargeFile = false): Promise<CatalogueEntry[]> {
  const directory = join(scratch, name);
  await writeSyntheticStack(directory, layers, { ...shape, hasLargeFile }, signal);
  const inspection = await inspectImage(`oci:${directory}`, { useIndexCache: false });
  expect(inspection.layers.length).toBe(layers);
  const found = catalogueOf(mergeImage(inspection).tree, { uid: 0, gid: 0 });
  inspection.close();
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

it('has the same visible names and sizes with one layer and with nine', async () => {
  const one = await catalogue('one', 1);
  const nine = await catalogue('nine', 9);
  const shown = ({ path, kind, size }: CatalogueEntry): object => ({ path, kind, size });
  expect(nine.map(shown)).toEqual(one.map(shown));
  expect(one.filter(({ kind }) => kind === 'file').length).toBe(60);
  expect(one.filter(({ kind }) => kind === 'directory').length).toBe(3 + 9);
  expect(new Set(nine.map(({ layer }) => layer)).size).toBe(9);
});

it('has one file of 300 MB in the base if asked to, and is otherwise the same', async () => {
  const without = await catalogue('without', 2);
  const withLarge = await catalogue('with', 2, true);
  const large = { path: 'large-file', kind: 'file', size: 300_000_000, layer: 1 };
  expect(withLarge.filter(({ path }) => path === large.path)).toEqual([large]);
  expect(withLarge.filter(({ path }) => path !== large.path)).toEqual(without);
});

it('writes the same bytes for the same settings, and other bytes for another seed', async () => {
  const digestOf = async (name: string, seed: number): Promise<string[]> => {
    await writeSyntheticStack(join(scratch, name), 3, { ...shape, seed }, signal);
    const blobs = join(scratch, name, 'blobs/sha256');
    for (const blob of readdirSync(blobs)) {
      expect(
        createHash('sha256')
          .update(readFileSync(join(blobs, blob)))
          .digest('hex'),
      ).toBe(blob);
    }
    return readdirSync(blobs);
  };
  expect(await digestOf('a', 1)).toEqual(await digestOf('b', 1));
  expect(await digestOf('c', 2)).not.toEqual(await digestOf('b', 1));
});

it('stops immediately if it is aborted', async () => {
  await expect(
    writeSyntheticStack(join(scratch, 'x'), 3, shape, AbortSignal.abort(new Error('enough'))),
  ).rejects.toThrow('enough');
});
