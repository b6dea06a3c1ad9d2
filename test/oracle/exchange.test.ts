// An upper that stratafs has written is mounted by the kernel, over the unpacked layers, and the reverse, several times in
// turn, each going on where the other ended: the same comes of each operation as where the kernel did all, and the same
// tree shows at the end, to both. Settings: sequence.ts. The lower layers have no hard links: which lower inode a file is
// that the kernel copied up and renamed is told by a file handle, which is not read.
import { join } from 'node:path';
import { it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { type Operation, randomOperations } from './operations.ts';
import {
  compare,
  firstSeed,
  kernelOracle,
  operationCount,
  randomLayers,
  sequenceCount,
  timeoutOf,
  userOf,
} from './sequence.ts';
import { AlternatingSide, KernelSide, unpackLayers } from './sides.ts';
import { withScratch } from './stack.ts';

const sequences = sequenceCount(2);
const PHASES = 4;

/** As `operations`, but in phases of equal length. */
function inPhases(operations: readonly Operation[]): Operation[] {
  const length = Math.ceil(operations.length / PHASES);
  return operations
    .filter(([name]) => name !== 'remount')
    .flatMap((operation, n) => (n > 0 && n % length === 0 ? [['remount'] as const, operation] : [operation]));
}

function exchange(seed: number, begin: 0 | 1): Promise<void> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, 'none');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = inPhases(randomOperations(random, { count: operationCount, tree }));
    const layers = unpackLayers(tars, join(scratch, 'layers'));
    const ours = new AlternatingSide(join(scratch, 'both'), layers, begin);
    const oracle = kernelOracle(new KernelSide(join(scratch, 'kernel'), layers));
    compare(ours, oracle, operations, userOf(seed), seed);
  });
}

describeWith(['root', 'fuse', { program: 'tar' }, { program: 'python3' }], 'an upper', () => {
  const timeout = timeoutOf(sequences);

  it('that stratafs has written goes on in the kernel, and the reverse', { timeout }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await exchange(seed, 0);
  });

  it('that the kernel has written goes on in stratafs, and the reverse', { timeout }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await exchange(seed, 1);
  });
});
