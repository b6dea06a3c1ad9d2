import { expect, test } from 'vitest';
import { countChanges } from '../../src/inspect/layer-changes.ts';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { type Extracted, NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture } from './open.ts';

const isDirectory = ({ spec }: Extracted): boolean => (spec.mode & S_IFMT) === S_IFDIR;
/** All attributes of a directory but its mtime. */
const attributesOf = ({ spec: { mode, uid, gid, xattrs } }: Extracted): string =>
  JSON.stringify([mode, uid, gid, Object.entries(xattrs).sort()]);

test('random stacks add, change and delete what a naive extractor sees appear, change and vanish', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { roots } = randomStack(new Random(seed), { hasLinks: false });
    const extractor = new NaiveExtractor();
    let before = new Map<string, Extracted>();
    const expected = roots.map((root) => {
      extractor.apply(root);
      const after = new Map(extractor.inodes);
      const counts = { added: 0, changed: 0, deleted: 0 };
      for (const [path, found] of after) {
        const earlier = before.get(path);
        if (path === '') continue;
        if (earlier === undefined) counts.added++;
        else if (earlier === found) continue;
        else if (
          !isDirectory(earlier) ||
          !isDirectory(found) ||
          attributesOf(earlier) !== attributesOf(found)
        )
          counts.changed++;
      }
      for (const path of before.keys()) if (!after.has(path)) counts.deleted++;
      before = after;
      return counts;
    });
    expect(countChanges(inspectedOf(roots.map(makeLayer))), `seed ${seed}`).toEqual(expected);
  }
});

test('the layers of the fixture', async () => {
  const changes = countChanges(await inspectFixture('extending-expressweb'));
  expect(changes.map(({ added, changed, deleted }) => [added, changed, deleted])).toEqual([
    [46, 0, 0],
    [3, 0, 0],
    [23, 0, 0],
    [6, 0, 0],
    [0, 1, 0],
    [2, 0, 0],
    [0, 0, 6],
    [0, 1, 1],
  ]);
});
