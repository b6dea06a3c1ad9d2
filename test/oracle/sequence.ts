// One random sequence of operations: its layers, its oracles and the report about a difference. What the environment
// says: STRATAFS_SEED=n begins with another seed, STRATAFS_SEQUENCES=n runs so many on each oracle (the long form:
// thousands), STRATAFS_OPERATIONS=n makes them longer, STRATAFS_MINIMISING=n bounds how many shorter sequences are tried to
// explain a failure.
import { expect } from 'vitest';
import { HAS_TRUSTED_MARKS } from '../../src/overlayfs-format/trusted-marks.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { directory, file, type InodeSpec } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import type { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { differences, minimise, type Oracle, type User } from './differential.ts';
import type { Operation } from './operations.ts';
import type { Side } from './sides.ts';
import type { Snapshot } from './snapshot.ts';

export const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);
export const operationCount = Number(process.env['STRATAFS_OPERATIONS'] ?? 250);
const MINIMISING = Number(process.env['STRATAFS_MINIMISING'] ?? 120);

/** How many sequences: `few`, but for the long form. */
export const sequenceCount = (few: number): number => Number(process.env['STRATAFS_SEQUENCES'] ?? few);

/** Milliseconds for `count` sequences, with the time to minimise a failing one. */
export const timeoutOf = (count: number): number => 600_000 + 100_000 * count + 20_000 * MINIMISING;

/** Every fourth sequence is an ordinary user's. */
export const userOf = (seed: number): User => (seed % 4 === 3 ? { uid: 1, gid: 1 } : { uid: 0, gid: 0 });

/** The lowest layer: what random stacks lack, files of several pages and directories of some depth. */
export function baseLayer(links: Links): InodeSpec {
  const linked = file({ size: 5000, data: 7 });
  const other = links === 'none' ? file({ size: 5000, data: 7 }) : linked;
  return directory({
    a: directory({
      big: file({ size: 300_000 }),
      b: directory({ c: directory({ deep: file({ size: 70 }) }) }),
    }),
    c: directory({ l: linked, m: other, empty: directory() }),
    big: file({ size: 100_000, data: 3, xattrs: { 'user.x': 'base' } }),
    page: file({ size: 4096, data: 4 }),
    ...(links === 'none' ? {} : { l: linked }),
  });
}

export interface Layers {
  readonly tars: readonly Buffer[];
  /** By path. */
  readonly inodes: ReadonlyMap<string, InodeSpec>;
}

/** Which hard links layers have. */
export type Links = 'none' | 'within layers' | 'across layers';

export function randomLayers(random: Random, links: Links): Layers {
  const options = {
    hasImplicit: false,
    hasLinks: links === 'across layers',
    hasInnerLinks: links !== 'none',
    isForTar: true,
    hasOverlayXattrs: false,
  };
  const roots = [baseLayer(links), ...randomStack(random, options).roots];
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

/**
 * What kernel overlayfs does otherwise than a local file system: a link count is that of all names that a lower inode has
 * in its layer, the hidden ones too; bringing the data to a file of which only metadata was copied up sets its mtime; removing an ACL that isn't there fails.
 */
export function kernelOracle(side: Side): Oracle {
  const isFile = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;
  return {
    side,
    seen: ([call, , name], result) => {
      if (call === 'removexattr' && String(name).startsWith('system.posix_acl_')) return null;
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

/** The kernel lists the mark that stratafs leaves on the root of the upper (docs/formats.md, "Trust in marks"). */
export function withoutOurMark(oracle: Oracle): Oracle {
  const seen: Oracle['seen'] = (operation, result) => {
    const shown = oracle.seen(operation, result);
    if (operation[0] !== 'listxattr' || !Array.isArray(shown)) return shown;
    return (shown as string[]).filter((name) => name !== HAS_TRUSTED_MARKS);
  };
  return { ...oracle, seen };
}

export const plainOracle = (side: Side): Oracle => ({
  side,
  seen: (_operation, result) => result,
  shown: (snapshot: Snapshot) => snapshot,
});

/** Throws what differs, in the fewest operations. */
export function compare(
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
