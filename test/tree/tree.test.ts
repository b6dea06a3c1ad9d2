import { describe, expect, test } from 'vitest';
import { buildTree } from '../../src/tree/merge.ts';
import { Extent, type Tree } from '../../src/tree/tree.ts';
import { Attr } from '../../src/vfs/attr.ts';
import { directory, file, layer } from './layer-maker.ts';
import { resolve } from './tree-dump.ts';

const lower = layer({ other: file({ extents: [[0, 1, 0]], size: 1 }) });
// 0-100 hole, 100-150 data, 150-200 data that lies elsewhere, 200-300 hole, 300-310 data, hole to 1000.
const sparse = layer({
  dir: directory(),
  sparse: file({
    size: 1000,
    extents: [
      [100, 50, 4096],
      [150, 50, 8192],
      [200, 0, 9000],
      [300, 10, 8242],
      [1000, 0, 9000],
    ],
  }),
  empty: file({ size: 5000, extents: [[5000, 0, 512]] }),
  plain: file({ size: 1000, data: 512 }),
});
const tree = buildTree([lower, sparse]);

function map(subject: Tree, inode: number, offset: number, length: number): [number, number, number] {
  const extent = new Extent();
  subject.mapExtent(inode, offset, length, extent);
  return [extent.layer, extent.blobOffset, extent.length];
}

describe('mapExtent', () => {
  test('a plain file is one range, cut at its end', () => {
    const inode = resolve(tree, 'plain');
    expect(map(tree, inode, 0, 4096)).toEqual([1, 512, 1000]);
    expect(map(tree, inode, 990, 5)).toEqual([1, 1502, 5]);
    expect(map(tree, inode, 999, 4096)).toEqual([1, 1511, 1]);
  });

  test('a sparse file is cut where data becomes hole, or lies elsewhere', () => {
    const inode = resolve(tree, 'sparse');
    expect(map(tree, inode, 0, 4096)).toEqual([1, -1, 100]);
    expect(map(tree, inode, 40, 10)).toEqual([1, -1, 10]);
    expect(map(tree, inode, 100, 4096)).toEqual([1, 4096, 50]);
    expect(map(tree, inode, 149, 4096)).toEqual([1, 4145, 1]);
    expect(map(tree, inode, 150, 20)).toEqual([1, 8192, 20]);
    expect(map(tree, inode, 205, 4096)).toEqual([1, -1, 95]);
    expect(map(tree, inode, 310, 4096)).toEqual([1, -1, 690]);
  });

  test('a file that is one hole has no data', () => {
    expect(map(tree, resolve(tree, 'empty'), 4000, 4096)).toEqual([1, -1, 1000]);
  });

  test('every byte is mapped as a naive walk maps it', () => {
    const inode = resolve(tree, 'sparse');
    for (let offset = 0; offset < 1000; offset++) {
      const expected =
        offset >= 100 && offset < 150
          ? 4096 + offset - 100
          : offset >= 150 && offset < 200
            ? 8192 + offset - 150
            : offset >= 300 && offset < 310
              ? 8242 + offset - 300
              : -1;
      expect(map(tree, inode, offset, 1)).toEqual([1, expected, 1]);
    }
  });
});

describe('holes and data', () => {
  test('nextData finds data at or after the offset, or none', () => {
    const inode = resolve(tree, 'sparse');
    expect([0, 99, 100, 199, 200, 309].map((offset) => tree.nextData(inode, offset))).toEqual([
      100, 100, 100, 199, 300, 309,
    ]);
    expect(tree.nextData(inode, 310)).toBe(-1);
    expect(tree.nextData(resolve(tree, 'plain'), 7)).toBe(7);
  });

  test('nextHole passes data that is contiguous in the file, and ends at the size', () => {
    const inode = resolve(tree, 'sparse');
    expect([0, 100, 150, 199, 200, 300, 310].map((offset) => tree.nextHole(inode, offset))).toEqual([
      0, 200, 200, 200, 200, 310, 310,
    ]);
    expect(tree.nextHole(resolve(tree, 'plain'), 7)).toBe(1000);
    expect(tree.nextHole(resolve(tree, 'other'), 0)).toBe(1);
  });
});

describe('readAttr', () => {
  test('blocks count what is stored, in units of 512 bytes', () => {
    const attr = new Attr();
    const blocks = ['sparse', 'empty', 'plain', 'dir'].map((path) => {
      tree.readAttr(resolve(tree, path), attr);
      return attr.blocks;
    });
    expect(blocks).toEqual([1, 0, 2, 8]);
  });

  test('times are kept apart to the nanosecond, negative ones too; ctime is mtime', () => {
    const attr = new Attr();
    buildTree([layer({ f: file({ mtime: -1.25 }) })]).readAttr(1, attr);
    expect(attr).toMatchObject({ mtimeSec: -2, mtimeNsec: 750_000_000, atimeSec: -2, atimeNsec: 7 });
    expect([attr.ctimeSec, attr.ctimeNsec]).toEqual([-2, 750_000_000]);
  });
});
