import { describe, expect, it, test } from 'vitest';
import { findWaste } from '../../src/inspect/waste.ts';
import { S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import {
  directory,
  file,
  type InodeSpec,
  layer,
  link,
  makeLayer,
  opaque,
  symlink,
  whiteout,
} from '../tree/layer-maker.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture } from './open.ts';

/** The regular files of a layer, each inode once. */
function filesOf(root: InodeSpec): Set<InodeSpec> {
  const found = new Set<InodeSpec>();
  const visit = (spec: InodeSpec): void => {
    if ((spec.mode & S_IFMT) === S_IFREG) found.add(spec);
    for (const child of spec.children.values()) if (child.kind === 'inode') visit(child);
  };
  visit(root);
  return found;
}

/** Bytes that layer i (from 0) stores and layer j hid, counted by unpacking layer after layer. */
function bruteForce(roots: readonly InodeSpec[]): { stored: number[]; hides: number[]; size: number } {
  const extractor = new NaiveExtractor();
  const alive = new Map<InodeSpec, number>();
  const stored = roots.map(() => 0);
  const hides = roots.map(() => 0);
  let size = 0;
  roots.forEach((root, number) => {
    extractor.apply(root);
    const shown = new Set([...extractor.inodes.values()].map(({ spec }) => spec));
    for (const spec of filesOf(root)) {
      size += spec.size;
      alive.set(spec, number);
    }
    for (const [spec, layerNumber] of alive) {
      if (shown.has(spec)) continue;
      alive.delete(spec);
      stored[layerNumber] = (stored[layerNumber] ?? 0) + spec.size;
      hides[number] = (hides[number] ?? 0) + spec.size;
    }
  });
  return { stored, hides, size };
}

test('the waste of random stacks is what unpacking layer after layer loses', () => {
  let wasted = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const { roots } = randomStack(new Random(seed));
    const waste = findWaste(inspectedOf(roots.map(makeLayer)));
    const expected = bruteForce(roots);
    const of = (name: 'wasted' | 'hides'): number[] => waste.layers.map((each) => each[name]);
    expect([of('wasted'), of('hides')], `seed ${seed}`).toEqual([expected.stored, expected.hides]);
    expect(waste.totalBytes).toBe(expected.size);
    expect(waste.wastedBytes).toBe(expected.stored.reduce((sum, bytes) => sum + bytes, 0));
    expect(waste.paths.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(waste.wastedBytes);
    for (const part of [waste.efficiency, waste.userWastedPercent]) {
      expect(part >= 0 && part <= 1, `seed ${seed}: ${part}`).toBe(true);
    }
    wasted += waste.wastedBytes;
  }
  expect(wasted).toBeGreaterThan(400 * 1000);
});

describe('waste', () => {
  it('is what opaque directories and whiteouts hide, listed by path, the greatest first', () => {
    const linked = file({ size: 1000 });
    const waste = findWaste(
      inspectedOf([
        layer({
          d: directory({ a: file({ size: 10 }), b: file({ size: 200 }) }),
          h: linked,
          i: linked,
          s: symlink('h'),
        }),
        layer({ d: opaque({ a: file({ size: 30 }) }), h: whiteout, s: whiteout }),
        layer({ d: directory({ a: file({ size: 5 }) }), i: file({ size: 1 }) }),
      ]),
    );
    expect(waste).toMatchObject({ totalBytes: 1246, userBytes: 36, wastedBytes: 1240, efficiency: 6 / 1246 });
    expect(waste.paths).toEqual([
      { path: 'i', bytes: 1000, files: [{ path: 'i', bytes: 1000, layer: 1, hiddenBy: 3, cause: 'entry' }] },
      {
        path: 'd/b',
        bytes: 200,
        files: [{ path: 'd/b', bytes: 200, layer: 1, hiddenBy: 2, cause: 'opaque' }],
      },
      {
        path: 'd/a',
        bytes: 40,
        files: [
          { path: 'd/a', bytes: 10, layer: 1, hiddenBy: 2, cause: 'entry' },
          { path: 'd/a', bytes: 30, layer: 2, hiddenBy: 3, cause: 'entry' },
        ],
      },
    ]);
  });

  it('is none of a file that a hard link of a higher layer still shows', () => {
    const waste = findWaste(
      inspectedOf([layer({ a: file({ size: 9 }) }), layer({ b: link('a'), a: whiteout })]),
    );
    expect(waste).toMatchObject({ wastedBytes: 0, efficiency: 1, userWastedPercent: 0, paths: [] });
  });

  it.each([
    ['delete a file of the base', { a: whiteout }, 1],
    ['store fewer bytes than they hide', { a: file({ size: 625 }) }, 1],
    ['store as many bytes as they hide', { a: file({ size: 900 }) }, 1],
    ['store four times the bytes that they hide', { a: file({ size: 3600 }) }, 0.25],
    ['hide nothing', { b: file({ size: 1 }) }, 0],
  ])('is a part of the bytes above the base, at most all of them: layers that %s', (_, above, expected) => {
    const waste = findWaste(inspectedOf([layer({ a: file({ size: 900 }) }), layer(above)]));
    expect(waste.userWastedPercent).toBe(expected);
  });

  it('of an image without files is none', () => {
    expect(findWaste(inspectedOf([]))).toMatchObject({ efficiency: 1, userWastedPercent: 0, layers: [] });
  });

  it('of the fixture is the files that its upper layers replace and remove', async () => {
    const waste = findWaste(await inspectFixture('extending-expressweb'));
    expect(waste.wastedBytes).toBe(241 + 104 + 61 + 51 + 41 + 40 + 24);
    expect(waste.layers.map(({ wasted }) => wasted)).toEqual([0, 0, 105, 457, 0, 0, 0, 0]);
  });
});
