// Runs one sequence of operations on two sides and reports the first difference.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { listInodes } from '../mount/inodes.ts';
import type { Operation } from './operations.ts';
import type { Side } from './sides.ts';
import { type Snapshot, snapshotDirectory } from './snapshot.ts';

/** The result of an operation from execute.py. */
export interface Outcome {
  readonly result: unknown;
  readonly wrong: readonly string[];
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** What an oracle is known to do otherwise: both sides' results pass through it before they are compared. */
export interface Oracle {
  readonly side: Side;
  readonly seen: (operation: Operation, result: unknown) => unknown;
  readonly shown: (snapshot: Snapshot) => Snapshot;
}

/** Performs the operations on what is mounted at `root`. Needs root, python3. */
export function execute(
  root: string,
  operations: readonly Operation[],
  { uid, gid }: User,
  begin: number,
): Outcome[] {
  const script = fileURLToPath(new URL('execute.py', import.meta.url));
  const { stdout, stderr, status, error } = spawnSync(
    'python3',
    [script, root, ...[uid, gid, begin].map(String)],
    {
      input: JSON.stringify(operations),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 600_000,
    },
  );
  const outcomes = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Outcome);
  if (status === 0) return outcomes;
  const last = JSON.stringify(operations[outcomes.length]);
  throw new Error(`execute.py ended in ${last}: ${error?.message ?? ''} ${stderr}`);
}

/** Times since `begin` (milliseconds) don't depend on the file system. */
function untouched(snapshot: Snapshot, begin: number): Snapshot {
  return new Map(
    [...snapshot].map(([path, shown]) => {
      const time = Number(shown.mtime) / 1e6;
      return [path, time >= begin && time < begin + 3_600_000 ? { ...shown, mtime: 'touched' } : shown];
    }),
  );
}

type Inodes = ReturnType<typeof listInodes>;

interface Run {
  readonly outcomes: readonly Outcome[];
  readonly tree: Snapshot;
  readonly remounted: Snapshot;
  /** By path, before and after the remount. */
  readonly inodes: readonly Inodes[];
}

function inodesOf(side: Side): Inodes {
  return side.keepsNumbers ? listInodes(side.root) : new Map<never, never>();
}

/** Between two `remount`s descriptors live on. */
function phasesOf(operations: readonly Operation[]): Operation[][] {
  const phases: Operation[][] = [[]];
  for (const operation of operations) {
    if (operation[0] === 'remount') phases.push([]);
    else phases.at(-1)?.push(operation);
  }
  return phases;
}

/** What `act` answers while the side is mounted. */
export function mounted<T>(side: Side, act: () => T): T {
  side.mount();
  try {
    return act();
  } finally {
    side.unmount();
  }
}

function run(side: Side, operations: readonly Operation[], user: User, begin: number): Run {
  side.renew();
  const phases = phasesOf(operations);
  const last = phases.pop() ?? [];
  const earlier = phases.flatMap((phase) => [
    ...mounted(side, () => execute(side.root, phase, user, begin)),
    { result: null, wrong: [] },
  ]);
  const shown = (): { readonly tree: Snapshot; readonly inodes: Inodes } => ({
    tree: untouched(snapshotDirectory(side.root), begin),
    inodes: inodesOf(side),
  });
  const [outcomes, before] = mounted(side, () => [execute(side.root, last, user, begin), shown()] as const);
  const after = mounted(side, shown);
  return {
    outcomes: [...earlier, ...outcomes],
    tree: before.tree,
    remounted: after.tree,
    inodes: [before.inodes, after.inodes],
  };
}

function compareTrees(when: string, ours: Snapshot, theirs: Snapshot): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((path) => !isDeepStrictEqual(ours.get(path), theirs.get(path)))
    .map((path) => {
      const [a, b] = [ours.get(path), theirs.get(path)];
      const fields = Object.keys(a ?? b ?? {}).filter(
        (key) => !isDeepStrictEqual(a?.[key as keyof typeof a], b?.[key as keyof typeof b]),
      );
      const tell = (shown: typeof a): string =>
        shown === undefined
          ? 'missing'
          : JSON.stringify(Object.fromEntries(fields.map((key) => [key, shown[key as keyof typeof shown]])));
      return `${when}, '${path}': ours ${tell(a)}, expected ${tell(b)}`;
    });
}

/** Differences, the first in time first; none if the sides agree. Both sides are left unmounted. */
export function differences(
  ours: Side,
  oracle: Oracle,
  operations: readonly Operation[],
  user: User,
): string[] {
  const begin = Date.now() - 1000;
  const mine = run(ours, operations, user, begin);
  const theirs = run(oracle.side, operations, user, begin);
  const found: string[] = [];
  operations.forEach((operation, n) => {
    const [a, b] = [mine.outcomes[n], theirs.outcomes[n]];
    const label = `#${n} ${JSON.stringify(operation)}`;
    const [seen, expected] = [a, b].map((outcome) => oracle.seen(operation, outcome?.result));
    if (!isDeepStrictEqual(seen, expected)) {
      found.push(`${label}: ours ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
    }
    if (ours.keepsNumbers) found.push(...(a?.wrong ?? []).map((wrong) => `${label}: ${wrong}`));
  });
  found.push(...compareTrees('at the end', oracle.shown(mine.tree), oracle.shown(theirs.tree)));
  const shown = ours.keepsNumbers ? (snapshot: Snapshot) => snapshot : oracle.shown;
  found.push(...compareTrees('remounted', shown(mine.remounted), shown(mine.tree)));
  const [before, after] = mine.inodes;
  for (const [path, { listed, stated }] of before ?? []) {
    const again = after?.get(path);
    if (listed !== stated || again?.listed !== listed || again.stated !== stated) {
      found.push(
        `'${path}': d_ino ${listed}, st_ino ${stated}; remounted ${again?.listed}, ${again?.stated}`,
      );
    }
  }
  return found;
}

/** As few operations as `fails` still holds for (delta debugging), trying at most `budget` times. */
export function minimise(
  operations: readonly Operation[],
  fails: (operations: readonly Operation[]) => boolean,
  budget: number,
): readonly Operation[] {
  let remaining = operations;
  for (let size = Math.ceil(remaining.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < remaining.length && budget > 0;) {
      const tried = [...remaining.slice(0, start), ...remaining.slice(start + size)];
      budget--;
      if (fails(tried)) remaining = tried;
      else start += size;
    }
  }
  return remaining;
}
