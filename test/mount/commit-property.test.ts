// Random changes to random images are committed: a mount of the new image and umoci's extraction of it show the same as the live
// mount. The environment variables are described in test/oracle/sequence.ts.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { S_IFDIR, S_IFMT, S_IFSOCK } from '../../src/vfs/attr.ts';
import { execute, mounted } from '../oracle/differential.ts';
import { type Operation, randomOperations } from '../oracle/operations.ts';
import {
  firstSeed,
  operationCount,
  randomLayers,
  sequenceCount,
  timeoutOf,
  userOf,
} from '../oracle/sequence.ts';
import { StratafsSide, command } from '../oracle/sides.ts';
import { type Shown, type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { unpackByUmoci, withScratch } from '../oracle/stack.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { COMMAND } from './stratafs.ts';

const sequences = sequenceCount(4);
const timeout = timeoutOf(sequences);

/** A file `.wh.*` can be created, but not committed. Another test covers that. */
const canBeCommitted = (operation: Operation): boolean =>
  !operation.some((argument) => typeof argument === 'string' && /(?:^|\/)\.wh\./.test(argument));

/** The parts of a tree that a layer can store: no sockets, no empty xattrs, no marks of overlayfs, no times of the root. */
function storable(snapshot: Snapshot): Snapshot {
  return new Map(
    [...snapshot]
      .filter(([, { mode }]) => (mode & S_IFMT) !== S_IFSOCK)
      .map(([path, shown]) => {
        const xattrs = Object.entries(shown.xattrs).filter(
          ([name, value]) => value !== '' && !/^(?:user|trusted)\.overlay\./.test(name),
        );
        return [
          path,
          { ...shown, xattrs: Object.fromEntries(xattrs), mtime: path === '' ? '' : shown.mtime },
        ];
      }),
  );
}

/** umoci fills holes with zeros, and doesn't restore the times of the directories that it changes last. */
function withoutHoles(snapshot: Snapshot): Snapshot {
  const forget = (shown: Shown): Shown => ({
    ...shown,
    data: [],
    mtime: (shown.mode & S_IFMT) === S_IFDIR ? '' : shown.mtime,
  });
  return new Map([...snapshot].map(([path, shown]) => [path, forget(shown)]));
}

class CommittedSide extends StratafsSide {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #directory: string;

  constructor(directory: string, tars: readonly Buffer[]) {
    super(directory, { tars });
    this.#directory = directory;
    this.#environment = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache'), NO_COLOR: '1' };
  }

  /** The new image, an OCI layout. Mounted. */
  commit(): string {
    const layout = join(this.#directory, 'new');
    this.#run('commit', this.root, '-o', `oci:${layout}:2`);
    return layout;
  }

  /** The tree of an image, mounted by stratafs. */
  show(image: string): Snapshot {
    const directory = join(this.#directory, 'shown');
    mkdirSync(directory);
    this.#run('mount', image, directory);
    try {
      return snapshotDirectory(directory);
    } finally {
      this.#run('unmount', directory);
    }
  }

  #run(...args: string[]): void {
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
      encoding: 'utf8',
      env: this.#environment,
    });
    if (status !== 0) throw new Error(`stratafs ${args.join(' ')}: exit status ${status}: ${stderr}`);
  }
}

/** True if umoci was compared too. It fails on stacks in which a parent is not a directory in a lower layer. */
function runSequence(seed: number): Promise<boolean> {
  return withScratch((scratch) => {
    const random = new Random(seed);
    const { tars, inodes } = randomLayers(random, 'across layers');
    const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
    const operations = randomOperations(random, { count: operationCount, tree });
    const done = operations.filter((operation) => canBeCommitted(operation) && operation[0] !== 'remount');
    const side = new CommittedSide(join(scratch, 'ours'), tars);
    const begin = Date.now() - 1000;
    mounted(side, () => execute(side.root, done.slice(0, done.length / 2), userOf(seed), begin));
    const [live, layout] = mounted(side, () => {
      execute(side.root, done.slice(done.length / 2), userOf(seed), begin);
      return [storable(snapshotDirectory(side.root)), side.commit()] as const;
    });
    expect(storable(side.show(`${layout}:2`)), `STRATAFS_SEED=${seed}`).toEqual(live);
    if (!unpackByUmoci(tars, join(scratch, 'before'))) return false;
    const bundle = join(scratch, 'unpacked');
    command('umoci', 'raw', 'unpack', '--image', `${layout}:2`, bundle);
    expect(withoutHoles(storable(snapshotDirectory(bundle))), `umoci, STRATAFS_SEED=${seed}`).toEqual(
      withoutHoles(live),
    );
    return true;
  });
}

describeWith(['root', 'fuse', { program: 'python3' }, { program: 'umoci' }], 'stratafs commit', () => {
  it(
    `makes an image that shows the same as the mount, after ${sequences} random sequences of changes`,
    { timeout },
    async () => {
      let compared = 0;
      for (let seed = firstSeed; seed < firstSeed + sequences; seed++)
        if (await runSequence(seed)) compared++;
      expect(compared).toBeGreaterThan(0);
    },
  );
});
