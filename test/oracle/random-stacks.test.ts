// Random layer stacks as oracles unpack them: umoci, which knows all but odd parents, and kernel overlayfs.
// STRATAFS_SEED=n begins with another seed; a failure names the one to repeat.
import { expect, it } from 'vitest';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { describeWith } from '../requirements.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { Random } from '../tree/random.ts';
import { randomStack, type StackOptions } from '../tree/random-layers.ts';
import type { Snapshot } from './snapshot.ts';
import { byKernel, byUmoci, ours } from './stack.ts';

const STACKS = 12;
const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);

function randomTars(seed: number, options: StackOptions): Buffer[] {
  const random = new Random(seed);
  const { roots } = randomStack(random, { ...options, isForTar: true, hasOverlayXattrs: false });
  return roots.map((root) => layerTar(root, 'ordered', random));
}

/** Overlayfs counts all names that a lower inode has in its layer, the hidden ones too. */
function withoutLinkCounts(snapshot: Snapshot): Snapshot {
  return new Map([...snapshot].map(([path, shown]) => [path, { ...shown, nlink: 0 }]));
}

/** Directory times that the oracle left at the time of unpacking are not compared: it touched them last. */
function untouched(snapshot: Snapshot, oracle: Snapshot, begin: number): Snapshot {
  return new Map(
    [...snapshot].map(([path, shown]) => {
      const isTouched =
        (shown.mode & S_IFMT) === S_IFDIR && Number(oracle.get(path)?.mtime ?? 0) / 1e6 >= begin;
      return [path, isTouched ? { ...shown, mtime: 'touched' } : shown];
    }),
  );
}

/** Compares until the oracle has unpacked STACKS stacks; `shownAs` drops what it is known to show otherwise. */
async function compare(
  options: StackOptions,
  unpack: (tars: readonly Buffer[]) => Promise<Snapshot | undefined>,
  shownAs = (snapshot: Snapshot): Snapshot => snapshot,
): Promise<void> {
  const begin = Date.now() - 1000;
  let compared = 0;
  for (let seed = firstSeed; compared < STACKS; seed++) {
    expect(seed, 'the oracle refuses most stacks').toBeLessThan(firstSeed + 3 * STACKS);
    const tars = randomTars(seed, options);
    const unpacked = await unpack(tars);
    if (unpacked === undefined) continue;
    const oracle = shownAs(unpacked);
    const shown = untouched(shownAs(await ours(tars)), oracle, begin);
    expect(shown, `STRATAFS_SEED=${seed}`).toEqual(untouched(oracle, oracle, begin));
    compared++;
  }
}

describeWith(['root', { program: 'umoci' }, { program: 'python3' }], 'umoci', () => {
  it(`${STACKS} random stacks are shown as umoci unpacks them`, async () => {
    await compare({ hasImplicit: false }, byUmoci);
  });

  it(`${STACKS} random stacks with missing parents are shown as umoci unpacks them`, async () => {
    // Beneath a lower symlink umoci puts an entry at the link's target, which container engines don't.
    await compare({ hasSymlinks: false }, byUmoci);
  });
});

describeWith(['root', { program: 'tar' }, { program: 'python3' }], 'kernel overlayfs', () => {
  it(`${STACKS} random stacks are shown as the kernel merges them`, async () => {
    await compare({ hasImplicit: false, hasLinks: false }, byKernel, withoutLinkCounts);
  });
});
