import { expect, it } from 'vitest';
import { type NodeColumns, NodeKind } from '../../src/inspect/report-format.ts';
import { NodeTable } from '../../src/report/node-table.ts';
import { findPaths } from '../../src/report/search.ts';

const { directory, file, link, hidden, folded } = NodeKind;

/** /Lib/{b, .../x}, /lib2 hidden, and folded names of the root. */
const columns: NodeColumns = {
  names: ['', 'Lib', 'b', 'lib', 'x', 'x2', 'lib2', ''].join('/'),
  codes: [
    8 + directory,
    16 + directory,
    8 + file,
    8 + directory,
    16 + file,
    16 + link,
    8 + hidden,
    16 + folded,
  ],
  values: [3, 2, 10, 2, 5, 5, 7, 2],
  hidden: [4 * 2 + 1],
  folded: [2 * 3],
};
const table = new NodeTable(columns);

it('knows parents, ends, children and paths', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((node) => table.parentOf(node))).toEqual([0, 0, 1, 1, 3, 3, 0, 0]);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((node) => table.endOf(node))).toEqual([8, 6, 3, 6, 5, 6, 7, 8]);
  expect(table.childrenOf(0)).toEqual([1, 6, 7]);
  expect(table.childrenOf(2)).toEqual([]);
  expect(table.lineOf(4)).toEqual([0, 1, 3, 4]);
  expect([0, 4, 7].map((node) => table.pathOf(node))).toEqual(['/', '/Lib/lib/x', '/']);
  expect(table.namesIn(0)).toBe(9);
});

it('adds up the bytes that count', () => {
  expect([...table.sum({ layer: 0, which: 'all' })]).toEqual([24, 15, 10, 5, 5, 0, 7, 2]);
  expect([...table.sum({ layer: 0, which: 'shown' })]).toEqual([17, 15, 10, 5, 5, 0, 0, 2]);
  expect([...table.sum({ layer: 0, which: 'wasted' })]).toEqual([7, 0, 0, 0, 0, 0, 7, 0]);
  expect([...table.sum({ layer: 2, which: 'shown' })]).toEqual([7, 5, 0, 5, 5, 0, 0, 2]);
  expect(table.hiddenBy(6)).toEqual({ layer: 2, cause: 'whiteout' });
});

it.each([
  ['lib', 10, [1, 6, 3], 3],
  ['LIB', 2, [1, 6], 3],
  ['lib/', 10, [1, 3], 2],
  ['b/lib/x', 10, [4, 5], 2],
  ['/lib', 10, [1, 6, 3], 3],
  ['x', 1, [4], 2],
  ['nothing', 10, [], 0],
])(
  'a search for %s, at most %d, finds nodes %j of %d: the text reaches into the name',
  (text, limit, nodes, total) => {
    expect(findPaths(table, table.sum({ layer: 0, which: 'all' }), text, limit)).toEqual({ nodes, total });
  },
);
