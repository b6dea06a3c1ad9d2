// The merged tree of random layer stacks equals what a naive extractor makes of them.
// STRATAFS_SEED=n begins with another seed; a failure names the one to repeat.
import { expect, test } from 'vitest';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { indexTar } from '../layer/show-index.ts';
import { makeLayer } from './layer-maker.ts';
import { layerTar } from './layer-tar.ts';
import { Random } from './random.ts';
import { randomStack, type Stack } from './random-layers.ts';
import { dumpTree } from './tree-dump.ts';

const STACKS = 600;
const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);

/** All but inode numbers, which are ours: instead of them, the paths of each group of hard links. */
function expectedTree({ expected }: Stack): Map<string, object> {
  return new Map(
    [...expected.inodes].map(([path, found]) => {
      const { mode, uid, gid, rdev, size, mtime, target, xattrs } = found.spec;
      const isDirectory = (mode & S_IFMT) === S_IFDIR;
      const group = [...expected.inodes].flatMap(([other, inode]) => (inode === found ? [other] : []));
      return [
        path,
        {
          ...{ mode, uid, gid, rdev, mtime, target, xattrs },
          size: isDirectory ? 4096 : target === '' ? size : target.length,
          nlink: expected.linkCount(path),
          group: isDirectory ? [path] : group.sort(),
        },
      ];
    }),
  );
}

function mergedTree(layers: LayerIndex[]): Map<string, object> {
  const dump = dumpTree(buildTree(layers));
  return new Map(
    [...dump].map(([path, { mode, uid, gid, rdev, mtime, target, xattrs, size, nlink, ino }]) => {
      const group = [...dump].flatMap(([other, inode]) => (inode.ino === ino ? [other] : []));
      return [path, { mode, uid, gid, rdev, mtime, target, xattrs, size, nlink, group: group.sort() }];
    }),
  );
}

test(`${STACKS} random stacks merge as a naive extractor unpacks them`, () => {
  const seen = { paths: 0, links: 0 };
  for (let seed = firstSeed; seed < firstSeed + STACKS; seed++) {
    const stack = randomStack(new Random(seed));
    const merged = mergedTree(stack.roots.map(makeLayer));
    expect(merged, `STRATAFS_SEED=${seed}`).toEqual(expectedTree(stack));
    seen.paths += merged.size;
    for (const root of stack.roots)
      for (const s of root.children.values()) if (s.kind === 'link') seen.links++;
  }
  // The generator must not degenerate into trivial stacks.
  expect(seen.paths).toBeGreaterThan(5 * STACKS);
  expect(seen.links).toBeGreaterThan(STACKS / 10);
});

test(`${STACKS} random stacks of tars, their entries in any order, merge likewise`, () => {
  for (let seed = firstSeed; seed < firstSeed + STACKS; seed++) {
    const random = new Random(seed);
    const stack = randomStack(random, { isForTar: true });
    const layers = stack.roots.map((root) => indexTar(layerTar(root, 'shuffled', random)));
    expect(mergedTree(layers), `STRATAFS_SEED=${seed}`).toEqual(expectedTree(stack));
  }
});
