// Uppers of kernel overlayfs that become lowers, as podman's layers do: full of redirects and metacopies, each made by
// random operations over those before it. We show of the stack what the kernel shows of it. Settings: sequence.ts.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { openDirectoryLayer } from '../../src/layer/directory-layer.ts';
import type { Layer } from '../../src/layer/layer.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { execute } from './differential.ts';
import { randomOperations } from './operations.ts';
import { firstSeed, operationCount, randomLayers, sequenceCount, timeoutOf } from './sequence.ts';
import { insist, KernelSide, unpackLayers } from './sides.ts';
import { type Snapshot, snapshotDirectory, snapshotFileSystem } from './snapshot.ts';
import { withScratch } from './stack.ts';

const sequences = sequenceCount(3);
/** Uppers over the unpacked layers. */
const UPPERS = 4;

/** Performs random operations in a new upper over `layers`, base first, and returns the upper. */
function addUpper(random: Random, layers: readonly string[], directory: string): string {
  const side = new KernelSide(directory, layers);
  side.mount();
  try {
    const shown = snapshotDirectory(side.root);
    const tree = new Map([...shown].map(([path, { mode }]) => [path, mode]));
    const count = Math.ceil(operationCount / UPPERS);
    // In a directory given as a layer .wh.NAME is a whiteout, too.
    const operations = randomOperations(random, { count, tree }).filter(
      ([name, ...args]) => name !== 'remount' && !args.some((arg) => /\.wh\./.test(String(arg))),
    );
    execute(side.root, operations, { uid: 0, gid: 0 }, 0);
  } finally {
    side.unmount();
  }
  return side.upper;
}

/** Link counts of the kernel are those of the layer; where holes are is not known of a directory's files. */
const comparable = (snapshot: Snapshot): Snapshot =>
  new Map([...snapshot].map(([path, shown]) => [path, { ...shown, nlink: 0, data: [] }]));

async function ours(directories: readonly string[]): Promise<Snapshot> {
  const layers: Layer[] = [];
  try {
    for (const directory of directories) layers.push(openDirectoryLayer(directory, { marks: 'trusted' }));
    const tree = buildTree(layers.map(({ index }) => index));
    return comparable(
      await snapshotFileSystem(new Overlay({ tree, readers: layers.map(({ reader }) => reader) })),
    );
  } finally {
    for (const layer of layers.reverse()) layer.close();
  }
}

function theirs(directories: readonly string[], mountPoint: string): Snapshot {
  mkdirSync(mountPoint);
  const options = `ro,redirect_dir=follow,metacopy=on,lowerdir=${directories.toReversed().join(':')}`;
  insist('mount', '-t', 'overlay', 'overlay', '-o', options, mountPoint);
  try {
    return comparable(snapshotDirectory(mountPoint));
  } finally {
    insist('umount', mountPoint);
  }
}

function differing(mine: Snapshot, expected: Snapshot): string[] {
  return [...new Set([...mine.keys(), ...expected.keys()])]
    .filter((path) => !isDeepStrictEqual(mine.get(path), expected.get(path)))
    .map(
      (path) =>
        `'${path}': ours ${JSON.stringify(mine.get(path))}, expected ${JSON.stringify(expected.get(path))}`,
    );
}

describeWith(['root', { program: 'tar' }, { program: 'python3' }], 'uppers of the kernel as lowers', () => {
  it('show what the kernel shows of them', { timeout: timeoutOf(sequences) }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) {
      await withScratch(async (scratch) => {
        const random = new Random(seed);
        const layers = unpackLayers(randomLayers(random, 'none').tars, join(scratch, 'layers'));
        for (let n = 0; n < UPPERS; n++) {
          layers.push(addUpper(random, layers, join(scratch, `upper${n}`)));
          const found = differing(await ours(layers), theirs(layers, join(scratch, `merged${n}`)));
          expect(found, `STRATAFS_SEED=${seed}, ${n + 1} uppers`).toEqual([]);
        }
      });
    }
  });
});
