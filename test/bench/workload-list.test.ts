// Checks the paths that workloads choose: they exist, have the right kind, and don't exceed the limit.
import { describe, expect, it } from 'vitest';
import type { CatalogueEntry } from '../../src/bench/catalogue.ts';
import { Random } from '../../src/bench/random.ts';
import type { Stack } from '../../src/bench/stack.ts';
import { workloads } from '../../src/bench/workload-list.ts';
import type { WorkloadPlan } from '../../src/bench/workload.ts';

const catalogue: CatalogueEntry[] = [
  { path: 'a', kind: 'directory', size: 0, layer: 1 },
  { path: 'a/b', kind: 'directory', size: 0, layer: 2 },
  { path: 'a/link', kind: 'other', size: 0, layer: 1 },
  { path: 'empty', kind: 'file', size: 0, layer: 1 },
  ...Array.from({ length: 40 }, (_, n): CatalogueEntry => {
    const size = [100, 5000, 70_000, 300_000, 1_000_000][n % 5] as number;
    return { path: `${n % 2 === 0 ? 'a/' : 'a/b/'}file-${n}`, kind: 'file', size, layer: 1 + (n % 3) };
  }),
];

const notMade = (): Promise<never> => Promise.reject(new Error('is not made'));
const stackOf = (entries: readonly CatalogueEntry[]): Stack => ({
  ...{ source: 'x', label: 'x', platform: undefined, layerCount: 3, catalogue: entries },
  ...{ unpacked: notMade, gzipped: notMade, flattened: notMade, form: notMade },
  get tree(): never {
    throw new Error('is not merged');
  },
});

function planOf(name: string, most: number, entries = catalogue): WorkloadPlan | undefined {
  return workloads.find((each) => each.name === name)?.plan(stackOf(entries), new Random(1), most);
}

const entriesOf = (name: string): CatalogueEntry[] =>
  (planOf(name, 1000)?.paths ?? []).map((path) => {
    const found = catalogue.find((each) => each.path === path);
    if (found === undefined) throw new Error(`${path} is not in the stack`);
    return found;
  });

/** Their plan is the whole tree, nothing, or other files than those above. */
const unlisted = ['find', 'read-all', 'remount', 'dbench', 'copy-up', 'append', 'rm-rf'];

describe('workloads', () => {
  it.each(workloads.filter(({ group }) => !unlisted.includes(group)).map(({ name }) => name))(
    '%s chooses distinct paths up to the limit, and the same paths for the same seed',
    (name) => {
      const plan = planOf(name, 2);
      expect(plan?.paths.length).toBeGreaterThan(0);
      expect(plan?.paths.filter((path) => !path.endsWith('/')).length).toBeLessThanOrEqual(2);
      const all = planOf(name, 1000)?.paths ?? [];
      expect(new Set(all).size).toBe(all.length);
      expect(planOf(name, 2)).toEqual(plan);
    },
  );

  it('have unique names that begin with their group', () => {
    expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length);
    expect(workloads.filter(({ name, group }) => !name.startsWith(group))).toEqual([]);
  });

  it('look up files of the layer that they name', () => {
    expect(new Set(entriesOf('lookup-base').map(({ layer }) => layer))).toEqual(new Set([1]));
    expect(new Set(entriesOf('lookup-top').map(({ layer }) => layer))).toEqual(new Set([3]));
  });

  it('look up the names of a directory one after the other', () => {
    const parents = entriesOf('lookup-base').map(({ path }) => path.slice(0, path.lastIndexOf('/')));
    const changes = parents.filter((parent, n) => parent !== parents[n - 1]).length;
    expect(changes).toBe(new Set(parents).size);
  });

  it('look up and create names that do not exist', () => {
    const there = new Set(catalogue.map(({ path }) => path));
    for (const name of ['miss-cold', 'miss-cached', 'create']) {
      expect(planOf(name, 300)?.paths.filter((path) => there.has(path))).toEqual([]);
    }
  });

  it('read small files whole, and large ones in pieces', () => {
    expect(entriesOf('open-cold').every(({ kind, size }) => kind === 'file' && size <= 65_536)).toBe(true);
    expect(entriesOf('read-cold').every(({ size }) => size >= 262_144)).toBe(true);
    expect(entriesOf('exec-cold').every(({ size }) => size > 0)).toBe(true);
  });

  it('copy up files of about the given size, and list them as touched', () => {
    const sizes = (name: string): number[] => [...new Set(entriesOf(name).map(({ size }) => size))];
    expect(sizes('copy-up-4k')).toEqual([5000]);
    expect(sizes('copy-up-64k')).toEqual([70_000]);
    expect(sizes('copy-up-1m')).toEqual([1_000_000]);
    const plan = planOf('copy-up-4k', 1000);
    expect(plan?.touched).toEqual(plan?.paths);
  });

  it('append to the largest file, if it has 1 MiB or more', () => {
    expect(planOf('append', 1000)).toBeUndefined();
    const entries: CatalogueEntry[] = [1, 3, 2].map((mebibytes) => ({
      ...{ path: `of-${mebibytes}`, kind: 'file', layer: 1 },
      size: mebibytes * 1_048_576,
    }));
    expect(planOf('append', 1000, [...catalogue, ...entries])).toEqual({
      ...{ paths: ['of-3'], touched: ['of-3'] },
    });
  });

  it('remove whole directories with as many entries as allowed, and list these entries', () => {
    const beneath = catalogue.map(({ path }) => path).filter((path) => path === 'a' || path.startsWith('a/'));
    const plan = planOf('rm-rf', 1000);
    expect(plan?.paths).toEqual(['a']);
    expect([...(plan?.touched ?? [])].sort()).toEqual(beneath.sort());
    expect(plan?.touched?.[0]).toBe('a');
    const smaller = planOf('rm-rf', beneath.length - 1);
    expect(smaller?.paths).toEqual(['a/b']);
    expect(smaller?.touched?.every((path) => path === 'a/b' || path.startsWith('a/b/'))).toBe(true);
    expect(planOf('rm-rf', 2)).toBeUndefined();
  });

  it('have no plan for a stack without suitable files', () => {
    expect(planOf('copy-up-16m', 1000)).toBeUndefined();
    expect(planOf('read-cold', 1000, catalogue.slice(0, 4))).toBeUndefined();
    expect(planOf('stat-cold', 1000, [])).toBeUndefined();
  });
});
