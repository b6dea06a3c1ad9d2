// Random sequences of operations over random layers, on stratafs and on an oracle: kernel overlayfs over the unpacked
// layers, and a plain copy of the unpacked image where the kernel's overlay is known to deviate (hard links).
//
// STRATAFS_SEED=n begins with another seed, STRATAFS_SEQUENCES=n runs so many on each oracle (the long form: thousands),
// STRATAFS_OPERATIONS=n makes them longer. STRATAFS_SIDE=kernel or fuse-overlayfs puts another file system to the test.
// A failure names its seed and the fewest operations that still fail.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { describeWith } from '../requirements.ts';
import { directory, file, type InodeSpec } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { differences, minimise, type Oracle, type User } from './differential.ts';
import { type Operation, randomOperations } from './operations.ts';
import {
  FuseOverlayfsSide,
  KernelSide,
  PlainSide,
  type Side,
  type StratafsLower,
  StratafsSide,
  unpackLayers,
} from './sides.ts';
import type { Snapshot } from './snapshot.ts';
import { withScratch } from './stack.ts';

const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);
const sequences = Number(process.env['STRATAFS_SEQUENCES'] ?? 6);
const operationCount = Number(process.env['STRATAFS_OPERATIONS'] ?? 250);
const sideName = process.env['STRATAFS_SIDE'] ?? 'stratafs';
/** How many shorter sequences are tried to explain a failure. */
const MINIMISING = Number(process.env['STRATAFS_MINIMISING'] ?? 120);

/** The lowest layer: what random stacks lack, files of several pages and directories of some depth. */
function baseLayer(): InodeSpec {
  const linked = file({ size: 5000, data: 7 });
  return directory({
    a: directory({
      big: file({ size: 300_000 }),
      b: directory({ c: directory({ deep: file({ size: 70 }) }) }),
    }),
    c: directory({ l: linked, m: linked, empty: directory() }),
    big: file({ size: 100_000, data: 3, xattrs: { 'user.x': 'base' } }),
    page: file({ size: 4096, data: 4 }),
    l: linked,
  });
}

interface Layers {
  readonly tars: readonly Buffer[];
  /** By path. */
  readonly inodes: ReadonlyMap<string, InodeSpec>;
}

function randomLayers(random: Random, hasLinks: boolean): Layers {
  const options = { hasImplicit: false, hasLinks, isForTar: true, hasOverlayXattrs: false };
  const roots = [baseLayer(), ...randomStack(random, options).roots];
  // The root of an overlay is its upper directory's own.
  for (const root of roots)
    Object.assign(root, { mode: S_IFDIR | 0o755, uid: 0, gid: 0, mtime: 0, xattrs: {} });
  const extractor = new NaiveExtractor();
  for (const root of roots) extractor.apply(root);
  return {
    tars: roots.map((root) => layerTar(root, 'ordered', random)),
    inodes: new Map([...extractor.inodes].map(([path, { spec }]) => [path, spec])),
  };
}

function sideUnderTest(scratch: string, lower: StratafsLower, tars: readonly Buffer[]): Side {
  const place = join(scratch, 'ours');
  if (sideName === 'stratafs') return new StratafsSide(place, lower);
  const layers = 'layers' in lower ? lower.layers : unpackLayers(tars, join(scratch, 'layers'));
  return sideName === 'kernel' ? new KernelSide(place, layers) : new FuseOverlayfsSide(place, layers);
}

/**
 * What kernel overlayfs does otherwise than a local file system: a link count is that of all names that a lower inode has
 * in its layer, the hidden ones too; bringing the data to a file of which only metadata was copied up sets its mtime.
 */
function kernelOracle(side: Side): Oracle {
  const isFile = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;
  return {
    side,
    seen: (_operation, result) => {
      if (!Array.isArray(result) || result.length !== 7) return result;
      const [mode, uid, gid, size, , mtime, rdev] = result as (string | number)[];
      return [mode, uid, gid, size, isFile(Number(mode)) ? 0 : mtime, rdev];
    },
    shown: (snapshot) =>
      new Map(
        [...snapshot].map(([path, shown]) => [
          path,
          { ...shown, nlink: 0, mtime: isFile(shown.mode) ? '0' : shown.mtime },
        ]),
      ),
  };
}

const plainOracle = (side: Side): Oracle => ({
  side,
  seen: (_operation, result) => result,
  shown: (snapshot: Snapshot) => snapshot,
});

/** Throws what differs, in the fewest operations. */
function compare(
  ours: Side,
  oracle: Oracle,
  operations: readonly Operation[],
  user: User,
  seed: number,
): void {
  const found = differences(ours, oracle, operations, user);
  if (found.length === 0) return;
  let shortest = found;
  const fails = (tried: readonly Operation[]): boolean => {
    const remaining = differences(ours, oracle, tried, user);
    if (remaining.length > 0) shortest = remaining;
    return remaining.length > 0;
  };
  const fewest = minimise(operations, fails, MINIMISING);
  expect.fail(
    [
      `STRATAFS_SEED=${seed}, uid ${user.uid}: ${ours.name} and ${oracle.side.name} differ`,
      ...found.slice(0, 5),
      `of ${found.length}; after only these:`,
      ...fewest.map((operation) => JSON.stringify(operation)),
      ...shortest.slice(0, 10),
    ].join('\n'),
  );
}

function runSequence(seed: number, which: 'kernel' | 'plain'): Promise<boolean> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, which === 'plain');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = randomOperations(random, { count: operationCount, tree });
    const user = seed % 4 === 3 ? { uid: 1, gid: 1 } : { uid: 0, gid: 0 };
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

const timeout = 60_000 + 20_000 * sequences + 4000 * MINIMISING;

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
