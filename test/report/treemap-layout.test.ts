import { expect, it } from 'vitest';
import { NodeKind } from '../../src/inspect/report-format.ts';
import { NodeTable } from '../../src/report/node-table.ts';
import { type Tile, TILE_LIMIT, layOut } from '../../src/report/treemap-layout.ts';
import { Random } from '../tree/random.ts';

const box = { x0: 0, y0: 0, x1: 1000, y1: 700 };
const areaOf = ({ x0, y0, x1, y1 }: Tile): number => (x1 - x0) * (y1 - y0);

/** About `size` nodes, directories in directories, sizes of many magnitudes. */
function randomTable(seed: number, size: number): NodeTable {
  const random = new Random(seed);
  const names: string[] = [];
  const codes: number[] = [];
  const values: number[] = [];
  const add = (depth: number, budget: number): void => {
    const at = codes.length;
    names.push(at === 0 ? '' : `n${at}`);
    const isDirectory = budget > 1 && depth < 12;
    codes.push(8 * (1 + random.below(5)) + (isDirectory ? NodeKind.directory : NodeKind.file));
    values.push(isDirectory ? 0 : Math.floor(10 ** (random.below(700) / 100)));
    if (!isDirectory) return;
    for (let left = budget - 1; left > 0;) {
      const share = Math.min(left, 1 + random.below(Math.max(1, random.oneIn(3) ? left : 4)));
      add(depth + 1, share);
      values[at] = (values[at] ?? 0) + 1;
      left -= share;
    }
  };
  add(0, size);
  return new NodeTable({ names: names.join('/'), codes, values, hidden: [], folded: [] });
}

const overlap = (a: Tile, b: Tile): number =>
  Math.max(0, Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0)) *
  Math.max(0, Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0));

it.each([1, 2, 3])(
  'tiles lie in their frames, side by side, in proportion to their bytes (seed %d)',
  (seed) => {
    const table = randomTable(seed, 20_000);
    const sums = table.sum({ layer: 0, which: 'all' });
    const tiles = layOut(table, sums, 0, box);
    expect(tiles.length).toBeGreaterThan(500);
    expect(tiles.length).toBeLessThanOrEqual(TILE_LIMIT);
    const groups = new Map<number, Tile[]>();
    for (const tile of tiles) groups.set(tile.parent, [...(groups.get(tile.parent) ?? []), tile]);
    for (const [parent, group] of groups) {
      const frame = tiles[parent];
      const bytes = group.reduce((sum, tile) => sum + tile.bytes, 0);
      const area = group.reduce((sum, tile) => sum + areaOf(tile), 0);
      expect(bytes).toBe(frame?.bytes ?? sums[0]);
      if (frame === undefined) expect(area).toBeCloseTo(700_000, 3);
      else {
        expect(frame.kind).toBe('frame');
        expect(frame.children.map((index) => tiles[index])).toEqual(group);
        for (const tile of group) expect(overlap(tile, frame)).toBeCloseTo(areaOf(tile), 6);
      }
      for (const tile of group) expect(areaOf(tile) / area).toBeCloseTo(tile.bytes / bytes, 9);
      for (const [i, a] of group.entries()) {
        for (const b of group.slice(i + 1)) expect(overlap(a, b)).toBeLessThan(1e-6);
      }
    }
  },
);

it('what is too small is one tile that names its nodes', () => {
  const { file, directory } = NodeKind;
  const table = new NodeTable({
    names: ['', 'big', 'a', 'b'].join('/'),
    codes: [8 + directory, 8 + file, 8 + file, 8 + file],
    values: [3, 1e9, 5, 6],
    hidden: [],
    folded: [],
  });
  const tiles = layOut(table, table.sum({ layer: 0, which: 'all' }), 0, box);
  expect(tiles.map(({ kind, node, bytes, nodes }) => ({ kind, node, bytes, nodes }))).toEqual([
    { kind: 'leaf', node: 1, bytes: 1e9, nodes: [] },
    { kind: 'rest', node: 0, bytes: 11, nodes: [3, 2] },
  ]);
});

it('directories that hold one directory only are one tile', () => {
  const { file, directory } = NodeKind;
  const table = new NodeTable({
    names: ['', 'a', 'b', 'x', 'y', 'empty'].join('/'),
    codes: [8 + directory, 8 + directory, 8 + directory, 8 + file, 8 + file, 8 + file],
    values: [1, 2, 2, 30, 40, 0],
    hidden: [],
    folded: [],
  });
  const tiles = layOut(table, table.sum({ layer: 0, which: 'all' }), 0, box);
  expect(tiles.map(({ kind, top, node, depth }) => [kind, top, node, depth])).toEqual([
    ['frame', 1, 2, 0],
    ['leaf', 4, 4, 1],
    ['leaf', 3, 3, 1],
  ]);
});

it('nothing is laid out where there are no bytes', () => {
  const table = new NodeTable({ names: '', codes: [8], values: [0], hidden: [], folded: [] });
  expect(layOut(table, table.sum({ layer: 0, which: 'all' }), 0, box)).toEqual([]);
});
