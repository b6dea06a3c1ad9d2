import { describe, expect, it, test } from 'vitest';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import { NodeKind } from '../../src/inspect/report-format.ts';
import { type ReportTree, buildReportTree } from '../../src/inspect/report-tree.ts';
import { findWaste } from '../../src/inspect/waste.ts';
import { NodeTable } from '../../src/report/node-table.ts';
import { S_IFCHR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import {
  directory,
  file,
  type InodeSpec,
  layer,
  link,
  makeLayer,
  opaque,
  special,
  symlink,
  whiteout,
} from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { inspectedOf } from './inspected.ts';

function treeOf(indexes: Parameters<typeof inspectedOf>[0], limit = Infinity): ReportTree {
  const inspected = inspectedOf(indexes);
  return buildReportTree(mergeImage(inspected).tree, findWaste(inspected).paths, limit);
}

/** "kind layer path size" of every node but the root. */
function rowsOf({ columns }: ReportTree): string[] {
  const table = new NodeTable(columns);
  const kinds = Object.keys(NodeKind);
  return Array.from({ length: table.count - 1 }, (_, i) => i + 1).map((node) => {
    const size = table.isDirectory(node) ? '' : ` ${table.sizeOf(node)}`;
    return `${kinds[table.kindOf(node)] ?? ''} ${table.layerOf(node)} ${table.pathOf(node)}${size}`;
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

describe('the nodes of an image', () => {
  it('are what is shown and what is hidden, by name, a hidden file ahead of what took its place', () => {
    const tree = treeOf([
      layer({
        d: directory({ a: file({ size: 10 }), b: file({ size: 200 }) }),
        e: directory({ sub: directory({ x: file({ size: 7 }) }) }),
        f: file({ size: 5 }),
        n: special(S_IFCHR | 0o600, 0x103),
      }),
      layer({ d: opaque({ a: file({ size: 30 }) }), e: symlink('d'), f: file({ size: 6 }) }),
      layer({ f: whiteout }),
    ]);
    expect(rowsOf(tree)).toEqual([
      'directory 2 /d',
      'hidden 1 /d/a 10',
      'file 2 /d/a 30',
      'hidden 1 /d/b 200',
      'gone 0 /e',
      'gone 0 /e/sub',
      'hidden 1 /e/sub/x 7',
      'symlink 2 /e 0',
      'hidden 1 /f 5',
      'hidden 2 /f 6',
      'special 1 /n 0',
    ]);
    const table = new NodeTable(tree.columns);
    const hidden = [2, 4, 7, 9, 10].map((node) => table.hiddenBy(node));
    expect(hidden).toEqual([
      { layer: 2, cause: 'entry' },
      { layer: 2, cause: 'opaque' },
      { layer: 2, cause: 'replaced' },
      { layer: 2, cause: 'entry' },
      { layer: 3, cause: 'whiteout' },
    ]);
  });

  it('count the bytes of hard links once, also where a higher layer made the link', () => {
    const twice = file({ size: 9 });
    const tree = treeOf([layer({ a: twice, b: twice }), layer({ c: link('b') })]);
    expect(rowsOf(tree)).toEqual(['file 1 /a 9', 'link 1 /b 9', 'link 1 /c 9']);
    expect(new NodeTable(tree.columns).sum({ layer: 0, which: 'all' })[0]).toBe(9);
  });

  it('have names that are fit to be shown', () => {
    const tree = treeOf([layer({ '\xff\x1b[m': file(), '\xc3\xa9': file(), 'a\nb': file() })]);
    expect(rowsOf(tree)).toEqual(['file 1 /a\\nb 0', 'file 1 /\u00e9 0', 'file 1 /\\377\\033[m 0']);
  });

  it('of an image without layers are the root alone', () => {
    const { columns, foldedCount } = treeOf([]);
    expect(columns).toEqual({ names: '', codes: [8], values: [0], hidden: [], folded: [] });
    expect(foldedCount).toBe(0);
  });
});

describe('more names than are to be listed', () => {
  const many = (): Parameters<typeof inspectedOf>[0] => [
    layer({
      big: file({ size: 1000 }),
      d: directory({ big: file({ size: 900 }), s: file({ size: 3 }), t: file({ size: 4 }) }),
      e: directory({ u: file({ size: 2 }) }),
    }),
    layer({ d: directory({ t: whiteout, v: file({ size: 5 }) }) }),
  ];

  it('are folded from the least on, a subtree whole, by directory, by layer, and waste apart', () => {
    const tree = treeOf(many(), 3);
    expect(rowsOf(tree)).toEqual([
      'file 1 /big 1000',
      'directory 2 /d',
      'file 1 /d/big 900',
      'folded 1 /d/ 3',
      'folded 1 /d/ 4',
      'folded 2 /d/ 5',
      'folded 1 / 2',
    ]);
    const table = new NodeTable(tree.columns);
    expect([4, 5, 6, 7].map((node) => [table.foldedNamesOf(node), table.isWasted(node)])).toEqual([
      [1, false],
      [1, true],
      [1, false],
      [2, false],
    ]);
    expect(tree).toMatchObject({ foldedCount: 5, threshold: 5 });
    expect(table.namesIn(0)).toBe(8);
  });

  it('are all listed where there are no more than that', () => {
    expect(treeOf(many(), 8)).toMatchObject({ foldedCount: 0, threshold: 0 });
    expect(treeOf(many(), 7)).toMatchObject({ foldedCount: 1, threshold: 2 });
  });

  it('of one size are listed as far as they may be', () => {
    const files = Object.fromEntries(Array.from('abcdef', (name) => [name, file({ size: 9 })]));
    const tree = treeOf([layer({ d: directory(files), e: directory() })], 4);
    expect(rowsOf(tree)).toEqual([
      'directory 1 /d',
      'file 1 /d/a 9',
      'file 1 /d/b 9',
      'file 1 /d/c 9',
      'folded 1 /d/ 27',
      'folded 1 / 0',
    ]);
    expect(tree).toMatchObject({ foldedCount: 4, threshold: 9 });
  });
});

/** Names, and bytes by layer, of what the naive extractor shows. */
function naively(shown: Iterable<{ spec: InodeSpec; layer: number }>, layers: number): number[] {
  const bytes = Array.from({ length: layers }, () => 0);
  const seen = new Set<InodeSpec>();
  for (const { spec, layer: number } of shown) {
    if (seen.has(spec) || (spec.mode & S_IFMT) !== S_IFREG) continue;
    seen.add(spec);
    bytes[number] = (bytes[number] ?? 0) + spec.size;
  }
  return bytes;
}

test('random stacks: all paths, shown bytes as unpacked, the rest wasted, folded or not', () => {
  let folded = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const { roots, expected } = randomStack(new Random(seed));
    const inspected = inspectedOf(roots.map(makeLayer));
    const waste = findWaste(inspected);
    const { tree } = mergeImage(inspected);
    const numbers = roots.map((_, i) => i + 1);
    const shown = naively(expected.inodes.values(), roots.length);
    for (const limit of [Infinity, 10, 1]) {
      const report = buildReportTree(tree, waste.paths, limit);
      const table = new NodeTable(report.columns);
      const of = (which: 'all' | 'shown' | 'wasted'): (number | undefined)[] =>
        numbers.map((number) => table.sum({ layer: number, which })[0]);
      expect(of('shown'), `seed ${seed}, ${limit} names`).toEqual(shown);
      expect(of('wasted')).toEqual(waste.layers.map(({ wasted }) => wasted));
      expect(of('all')).toEqual(waste.layers.map(({ size }) => size));
      expect(sum(of('all').map(Number))).toBe(waste.totalBytes);
      folded += report.foldedCount;
      const listed = report.columns.codes.filter((code) => code % 8 !== NodeKind.folded).length - 1;
      expect(listed).toBeLessThanOrEqual(limit);
      if (limit !== Infinity) continue;
      const isShown = (node: number): boolean =>
        table.kindOf(node) !== NodeKind.hidden && table.kindOf(node) !== NodeKind.gone;
      const nodes = Array.from({ length: table.count - 1 }, (_, i) => i + 1);
      const raw = (path: string): string =>
        path.replaceAll('\u00e9', '\xc3\xa9').replaceAll('\\377', '\xff').slice(1);
      const paths = nodes.filter(isShown).map((node) => raw(table.pathOf(node)));
      const all = [...expected.inodes.keys()].filter((path) => path !== '');
      expect(paths.sort()).toEqual(all.sort());
    }
  }
  expect(folded).toBeGreaterThan(1000);
});
