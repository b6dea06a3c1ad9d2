// Random sequences of operations over random layers, on stratafs and on an oracle: kernel overlayfs over the unpacked
// layers, and a plain copy of the unpacked image where the kernel's overlay is known to deviate (hard links).
// STRATAFS_SIDE=kernel, erofs or fuse-overlayfs puts another file system to the test; see sequence.ts for the rest.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { randomOperations } from './operations.ts';
import {
  compare,
  firstSeed,
  kernelOracle,
  operationCount,
  plainOracle,
  randomLayers,
  sequenceCount,
  timeoutOf,
  userOf,
  withoutOurMark,
} from './sequence.ts';
import {
  ErofsSide,
  FuseOverlayfsSide,
  KernelSide,
  PlainSide,
  type Side,
  type StratafsLower,
  StratafsSide,
  unpackLayers,
} from './sides.ts';
import { withScratch } from './stack.ts';

const sequences = sequenceCount(4);
const sideName = process.env['STRATAFS_SIDE'] ?? 'stratafs';

function sideUnderTest(scratch: string, lower: StratafsLower, tars: readonly Buffer[]): Side {
  const place = join(scratch, 'ours');
  if (sideName === 'stratafs') return new StratafsSide(place, lower);
  if (sideName === 'erofs') return new ErofsSide(place, { tars });
  const layers = 'layers' in lower ? lower.layers : unpackLayers(tars, join(scratch, 'layers'));
  return sideName === 'kernel' ? new KernelSide(place, layers) : new FuseOverlayfsSide(place, layers);
}

function runSequence(seed: number, which: 'kernel' | 'plain'): Promise<boolean> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, which === 'plain' ? 'across layers' : 'within layers');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = randomOperations(random, { count: operationCount, tree });
    const user = userOf(seed);
    if (which === 'kernel') {
      const layers = unpackLayers(tars, join(scratch, 'layers'));
      const kernel = new KernelSide(join(scratch, 'kernel'), layers);
      compare(
        sideUnderTest(scratch, seed % 2 === 0 ? { tars } : { layers }, tars),
        kernelOracle(kernel),
        operations,
        user,
        seed,
      );
      return true;
    }
    const plain = PlainSide.unpack(join(scratch, 'plain'), tars, inodes);
    if (plain === undefined) return false;
    compare(sideUnderTest(scratch, { tars }, tars), plainOracle(plain), operations, user, seed);
    return true;
  });
}

const timeout = timeoutOf(sequences);

describeWith(
  ['root', 'fuse', { program: 'tar' }, { program: 'python3' }, { program: 'umoci' }],
  sideName,
  () => {
    it(`does in ${sequences} random sequences what kernel overlayfs does`, { timeout }, async () => {
      for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await runSequence(seed, 'kernel');
    });

    it(`does in ${sequences} random sequences what a local file system does`, { timeout }, async () => {
      let compared = 0;
      for (let seed = firstSeed; compared < sequences; seed++) {
        expect(seed, 'umoci refuses most stacks').toBeLessThan(firstSeed + 3 * sequences + 3);
        if (await runSequence(seed, 'plain')) compared++;
      }
    });
  },
);

/** Kernel overlayfs over the image of all layers, and over the unpacked layers. */
function runByErofs(seed: number): Promise<void> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, 'within layers');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = randomOperations(random, { count: operationCount, tree });
    const kernel = new KernelSide(join(scratch, 'kernel'), unpackLayers(tars, join(scratch, 'layers')));
    const compression = seed % 2 === 0 ? 'gzip' : 'none';
    const ours = new ErofsSide(join(scratch, 'ours'), { tars, compression });
    compare(ours, withoutOurMark(kernelOracle(kernel)), operations, userOf(seed), seed);
  });
}

describeWith(
  ['root', 'fuse', { filesystem: 'erofs' }, { program: 'tar' }, { program: 'python3' }],
  'driver=erofs',
  () => {
    it(`does in ${sequences} random sequences what kernel overlayfs does`, { timeout }, async () => {
      for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await runByErofs(seed);
    });
  },
);
