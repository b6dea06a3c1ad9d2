// Repeated layers: the merge of an image that lists a layer several times is that of as many equal layers.
import { describe, expect, it } from 'vitest';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { emptyHiddenRepeats } from '../../src/tree/hidden-repeats.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { directory, file, layer, link, makeLayer, whiteout } from './layer-maker.ts';
import { Random } from './random.ts';
import { randomStack } from './random-layers.ts';
import { dumpTree } from './tree-dump.ts';

const entries = (indexes: readonly LayerIndex[]): number[] => indexes.map(({ dentryCount }) => dentryCount);

/** Equal layers that are not one object are merged one by one. */
const copies = (indexes: readonly LayerIndex[]): LayerIndex[] => indexes.map((index) => ({ ...index }));

describe('a repeated layer', () => {
  const repeated = layer({ d: directory({ a: file({ size: 1 }) }), f: file() });

  it('is merged once where nothing can lead to its lower listings', () => {
    const other = layer({ d: whiteout });
    expect(entries(emptyHiddenRepeats([repeated, other, repeated, repeated]))).toEqual([1, 2, 1, 4]);
  });

  it('is merged at each place where a layer above has hard links to lower layers', () => {
    const linking = layer({ y: link('f') });
    const stack = [repeated, linking, repeated];
    expect(emptyHiddenRepeats(stack)).toEqual(stack);
    // The name y keeps the inode of the lower listing, which f above has left.
    const tree = buildTree(stack);
    const inodeOf = (name: string): number => tree.lookup(0, Buffer.from(name));
    expect(inodeOf('y')).not.toBe(inodeOf('f'));
    expect([tree.linkCountOf(inodeOf('y')), tree.layerOf(inodeOf('y')), tree.layerOf(inodeOf('f'))]).toEqual([
      1, 0, 2,
    ]);
  });

  it('comes back above a layer that has removed its names', () => {
    const tree = buildTree([repeated, layer({ d: whiteout, f: whiteout }), repeated]);
    expect(tree.lookup(0, Buffer.from('d'))).toBeGreaterThan(0);
    expect(tree.layerOf(tree.lookup(0, Buffer.from('f')))).toBe(2);
  });

  it('shows what equal layers show that are merged one by one', () => {
    let emptied = 0;
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const layers = randomStack(random, { hasLinks: random.oneIn(4) }).roots.map((root) => makeLayer(root));
      const listed = Array.from({ length: 2 + random.below(8) }, () => random.pick(layers));
      let expected: unknown;
      try {
        expected = dumpTree(buildTree(copies(listed)));
      } catch {
        continue; // a hard link to what is not there, in this order
      }
      emptied += emptyHiddenRepeats(listed).filter((index, i) => index !== listed[i]).length;
      expect(dumpTree(buildTree(listed)), `seed ${seed}`).toEqual(expected);
    }
    expect(emptied).toBeGreaterThan(300);
  });
});
