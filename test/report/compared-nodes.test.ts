// How the page pairs directories of two images and marks nodes, against what a naive extractor unpacks of random stacks.
import { expect, it } from 'vitest';
import { type ComparedImage, mergeForComparison } from '../../src/inspect/compared-image.ts';
import { compareForReport } from '../../src/inspect/report-comparison.ts';
import { NodeKind } from '../../src/inspect/report-format.ts';
import { buildReportTree } from '../../src/inspect/report-tree.ts';
import { findWaste } from '../../src/inspect/waste.ts';
import { Change, changeIn, changesOf } from '../../src/report/changes.ts';
import { NodeTable } from '../../src/report/node-table.ts';
import { type Two, pairDirectories, parentPath } from '../../src/report/paired-directories.ts';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { showPath } from '../../src/vfs/show-text.ts';
import { inspectedOf } from '../inspect/inspected.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';

const STACKS = 150;

interface Side {
  readonly table: NodeTable;
  /** By path: true for a directory. */
  readonly unpacked: ReadonlyMap<string, boolean>;
}

/** Files of equal size are the same. */
const emptySources = ({ layers }: ReturnType<typeof inspectedOf>): ComparedImage['sources'] =>
  layers.map(({ layer }) => ({
    identity: layer,
    reader: { ...layer.reader, read: (_: number, length: number) => new Uint8Array(length) },
  }));

/** The stack without its top, and the stack; how the page marks their nodes. */
async function compareStack(seed: number): Promise<{ sides: Two<Side>; changes: Two<Uint8Array> }> {
  const { roots } = randomStack(new Random(seed), { hasLinks: false });
  const stacks = [roots.slice(0, -1), roots] as const;
  const sides = stacks.map(async (stack) => {
    const inspected = inspectedOf(stack.map(makeLayer));
    const merged = { ...(await mergeForComparison(inspected)), sources: emptySources(inspected) };
    const { columns } = buildReportTree(merged.tree, findWaste(inspected).paths, Infinity);
    const extractor = new NaiveExtractor();
    for (const root of stack) extractor.apply(root);
    const unpacked = new Map(
      [...extractor.inodes].map(([path, { spec }]) => [showPath(path), (spec.mode & S_IFMT) === S_IFDIR]),
    );
    return { inspected, merged, table: new NodeTable(columns), unpacked };
  });
  const [a, b] = (await Promise.all(sides)) as [Awaited<(typeof sides)[0]>, Awaited<(typeof sides)[0]>];
  const { differences } = await compareForReport(a, b, Infinity, {});
  return {
    sides: [a, b],
    changes: [changesOf(a.table, differences, Change.deleted), changesOf(b.table, differences, Change.added)],
  };
}

/** The nodes that the image shows. */
const shownIn = ({ table }: Side): (readonly [number, string])[] =>
  [...table.paths()].filter(
    ([node]) => ![NodeKind.hidden, NodeKind.gone].includes(table.kindOf(node) as never),
  );

it(`${STACKS} random stacks: a name is added or deleted if only one of the stacks has it`, async () => {
  const seen = { added: 0, changed: 0, deleted: 0 };
  for (let seed = 1; seed <= STACKS; seed++) {
    const { sides, changes } = await compareStack(seed);
    for (const [n, side] of sides.entries()) {
      const other = sides[1 - n] as Side;
      const alone = n === 0 ? Change.deleted : Change.added;
      const marked = shownIn(side).filter(([node]) => changes[n]?.[node] === alone);
      const expected = shownIn(side).filter(([, path]) => !other.unpacked.has(path));
      expect(
        marked.map(([, path]) => path),
        `seed ${seed}`,
      ).toEqual(expected.map(([, path]) => path));
      seen[n === 0 ? 'deleted' : 'added'] += marked.length;
      seen.changed += shownIn(side).filter(([node]) => changes[n]?.[node] === Change.changed).length;
    }
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(STACKS / 2);
});

it(`${STACKS} random stacks: a directory has the one change of all its bytes, or is changed`, async () => {
  for (let seed = 1; seed <= STACKS; seed++) {
    const { sides, changes } = await compareStack(seed);
    for (const [n, side] of sides.entries()) {
      const { table } = side;
      const sums = table.sum({ layer: 0, which: 'shown' });
      for (const [node] of shownIn(side)) {
        const inside = [];
        for (let at = node; at < table.endOf(node); at++)
          if (!table.isDirectory(at) && (sums[at] ?? 0) > 0) inside.push(changes[n]?.[at]);
        if (!table.isDirectory(node)) continue;
        const kinds = [...new Set(inside)];
        const expected = kinds.length > 1 ? Change.changed : (kinds[0] ?? Change.none);
        expect(changeIn(table, changes[n] as Uint8Array, sums, node), `seed ${seed}`).toBe(expected);
      }
    }
  }
});

it(`${STACKS} random stacks: each directory of either has one pair, after that of its parent`, async () => {
  for (let seed = 1; seed <= STACKS; seed++) {
    const { sides } = await compareStack(seed);
    const pairs = pairDirectories([sides[0].table, sides[1].table]);
    const directories = sides.map(
      ({ unpacked }) => new Set([...unpacked].filter(([, isDirectory]) => isDirectory).map(([path]) => path)),
    );
    const paths = pairs.map(({ path }) => path);
    expect(new Set(paths).size, `seed ${seed}`).toBe(paths.length);
    expect(new Set(paths), `seed ${seed}`).toEqual(
      new Set(['/', ...directories.flatMap((each) => [...each])]),
    );
    for (const [n, { path, name, nodes, parent, children }] of pairs.entries()) {
      expect(nodes.map((node) => node >= 0)).toEqual(
        directories.map((each) => path === '/' || each.has(path)),
      );
      nodes.forEach((node, side) => {
        if (node >= 0) expect(sides[side]?.table.pathOf(node)).toBe(path);
      });
      for (const child of children) expect(pairs[child]?.parent).toBe(n);
      if (n === 0) continue;
      expect(parent).toBeLessThan(n);
      expect(pairs[parent]?.path).toBe(parentPath(path));
      expect(path.endsWith(`/${name}`)).toBe(true);
    }
  }
});
