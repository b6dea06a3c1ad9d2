// An upper that stratafs has written is mounted by the kernel, over the unpacked layers, and the reverse, several times in
// turn, each going on where the other ended: the same comes of each operation as where the kernel did all, and the same
// tree shows at the end, to both. Settings: sequence.ts. The lower layers have no hard links: which lower inode a file is
// that the kernel copied up and renamed is identified by a file handle, which is not read.
import { join } from 'node:path';
import { it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { execute, mounted, type Oracle } from './differential.ts';
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
  withoutOurMark,
} from './sequence.ts';
import { AlternatingSide, ErofsSide, KernelSide, StratafsSide, unpackLayers } from './sides.ts';
import { type Shown, type Snapshot, snapshotDirectory } from './snapshot.ts';
import { withScratch } from './stack.ts';

const sequences = sequenceCount(2);
const PHASES = 4;
const SWAPS = 5;
const DT_CHR = 2;

/** As `operations`, but in phases of equal length. */
function inPhases(operations: readonly Operation[], phases = PHASES): Operation[] {
  const length = Math.ceil(operations.length / phases);
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
    const one = new StratafsSide(join(scratch, 'both'), { layers });
    const other = new KernelSide(join(scratch, 'both-kernel'), layers, one);
    const ours = new AlternatingSide([one, other], begin);
    const oracle = withoutOurMark(
      withoutLinks(kernelOracle(new KernelSide(join(scratch, 'kernel'), layers))),
    );
    compare(ours, oracle, operations, userOf(seed), seed);
  });
}

/**
 * Without names that are whiteouts of AUFS in a layer, attributes that are marks in one, and paths that are too long for the
 * redirects of the kernel (256).
 */
function plainNames(operations: readonly Operation[]): Operation[] {
  const isPlain = (argument: string | number): boolean =>
    !/\.wh\.|x{255}|user\.overlay\./.test(String(argument));
  return operations.filter((operation) => operation[0] !== 'remount' && operation.every(isPlain));
}

function changed(oracle: Oracle, change: (shown: Shown) => Shown): Oracle {
  const shown = (snapshot: Snapshot): Snapshot =>
    new Map([...oracle.shown(snapshot)].map(([path, each]) => [path, change(each)]));
  return { ...oracle, shown };
}

/**
 * Of a directory as a layer holes are not compared. The kernel maps a descriptor of a metacopy in a layer, which was opened
 * before the file was copied up, as what lies in that layer (SIGBUS beyond its data); and it lists the whiteouts of a
 * directory that no other layer has, which lookup does not find.
 */
function ofLayers(oracle: Oracle): Oracle {
  const seen: Oracle['seen'] = (operation, result) => {
    const [call] = operation;
    if (call === 'seek' || call === 'mread') return null;
    const shown = oracle.seen(operation, result);
    if (call !== 'readdir' || !Array.isArray(shown)) return shown;
    return (shown as [string, number][]).filter(([, type]) => type !== DT_CHR);
  };
  return { ...changed(oracle, (shown) => ({ ...shown, data: [] })), seen };
}

/**
 * The kernel shows a name that it looked up before the last metacopy was taken off under the lower inode's number, and one
 * that it looked up later under the upper's: it can't read our origins.
 */
const withoutLinks = (oracle: Oracle): Oracle => changed(oracle, (shown) => ({ ...shown, sameAs: '' }));

/** A sequence over layers of which the uppermost was an upper, with its redirects and metacopies. */
function stackUp(seed: number): Promise<void> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, 'none');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const layers = unpackLayers(tars, join(scratch, 'layers'));
    const writer =
      seed % 2 === 0
        ? new KernelSide(join(scratch, 'writer'), layers)
        : new StratafsSide(join(scratch, 'writer'), { layers });
    const first = plainNames(randomOperations(random, { count: operationCount, tree }));
    const shown = mounted(writer, () => {
      execute(writer.root, first, userOf(seed), Date.now());
      return snapshotDirectory(writer.root);
    });
    const stack = [...layers, writer.upper];
    const second = randomOperations(random, {
      count: operationCount,
      tree: new Map([...shown].map(([path, { mode }]) => [path, mode])),
    });
    const ours = new StratafsSide(join(scratch, 'ours'), { layers: stack });
    const oracle = ofLayers(kernelOracle(new KernelSide(join(scratch, 'kernel'), stack)));
    compare(ours, oracle, plainNames(second), userOf(seed), seed);
  });
}

/** The drivers of stratafs in turn, over plain layers or compressed ones. Five swaps. */
function exchangeDrivers(seed: number, begin: 0 | 1): Promise<void> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, 'none');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = inPhases(randomOperations(random, { count: operationCount, tree }), SWAPS + 1);
    const lower = { tars, compression: seed % 2 === 0 ? 'gzip' : 'none' } as const;
    const one = new StratafsSide(join(scratch, 'fuse'), lower);
    const other = new ErofsSide(join(scratch, 'erofs'), lower, one);
    const ours = new AlternatingSide([one, other], begin);
    const layers = unpackLayers(tars, join(scratch, 'layers'));
    const oracle = withoutOurMark(
      withoutLinks(kernelOracle(new KernelSide(join(scratch, 'kernel'), layers))),
    );
    compare(ours, oracle, operations, userOf(seed), seed);
  });
}

describeWith(
  ['root', 'fuse', { filesystem: 'erofs' }, { program: 'tar' }, { program: 'python3' }],
  'an upper that the drivers of stratafs mount in turn, five swaps',
  () => {
    it.each([0, 1] as const)(
      'shows what kernel overlayfs shows where it did all; driver %d begins',
      { timeout: timeoutOf(sequences) },
      async (begin) => {
        for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await exchangeDrivers(seed, begin);
      },
    );
  },
);

describeWith(['root', 'fuse', { program: 'tar' }, { program: 'python3' }], 'an upper', () => {
  const timeout = timeoutOf(sequences);

  it('that stratafs has written goes on in the kernel, and the reverse', { timeout }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await exchange(seed, 0);
  });

  it('that becomes a lower layer shows as the kernel shows it', { timeout }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await stackUp(seed);
  });

  it('that the kernel has written goes on in stratafs, and the reverse', { timeout }, async () => {
    for (let seed = firstSeed; seed < firstSeed + sequences; seed++) await exchange(seed, 1);
  });
});
