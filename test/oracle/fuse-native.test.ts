// Random sequences of what the driver fuse-native can carry, on it and on a plain copy of the unpacked image.
//
// Left out is what docs/architecture.md says that it can't carry, and with it what libfuse 2 does in its own way: it renames
// what is removed while it is open, and has a page cache for every name of an inode.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { S_IFDIR } from '../../src/vfs/attr.ts';
import { fuseNative } from '../mount/drivers.ts';
import { describeWith } from '../requirements.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { type Operation, randomOperations } from './operations.ts';
import { withoutHoles } from './recorded.ts';
import {
  baseLayer,
  compare,
  firstSeed,
  operationCount,
  plainOracle,
  sequenceCount,
  timeoutOf,
} from './sequence.ts';
import { PlainSide, StratafsSide } from './sides.ts';
import { withScratch } from './stack.ts';

const sequences = sequenceCount(1);

const O_TMPFILE = 0o20200000;
const SLOTS = 5;
/** Calls that the package can't carry, or carries wrongly; and the umask, which is applied before it is asked. */
const notCarried = new Set(['utimens', 'touch', 'fallocate', 'seek', 'linkfd', 'link']);
/** Of pages that are mapped, and of listings that go on while names come and go, libfuse keeps copies of its own. */
const carriedCalls = /^(m(map|read|write|sync)|munmap|dir(open|read|seek|end))$/;
/** After these nothing may be open, lest libfuse rename it. */
const removing = new Set(['unlink', 'rmdir', 'rename']);

function isCarried([call, ...args]: Operation): boolean {
  if (notCarried.has(call) || carriedCalls.test(call)) return false;
  if (args.some((arg) => typeof arg === 'string' && /[^ -~]|system\.posix_acl/.test(arg))) return false;
  if (call === 'open') return (Number(args[2]) & O_TMPFILE) !== O_TMPFILE;
  return call !== 'rename' || args[2] === 0;
}

function carried(operations: readonly Operation[]): Operation[] {
  const closing = Array.from({ length: SLOTS }, (_, slot): Operation => ['close', slot]);
  return operations
    .filter(isCarried)
    .flatMap((operation) => (removing.has(operation[0]) ? [...closing, operation] : [operation]));
}

describeWith(
  [...fuseNative.needs, 'root', { program: 'tar' }, { program: 'python3' }, { program: 'umoci' }],
  'the driver fuse-native',
  () => {
    it(
      `does in ${sequences} random sequences what a local file system does`,
      { timeout: timeoutOf(sequences) },
      async () => {
        for (let seed = firstSeed; seed < firstSeed + sequences; seed++) {
          await withScratch((scratch) => {
            const random = new Random(seed);
            const root = baseLayer('none');
            Object.assign(root, { mode: S_IFDIR | 0o755 });
            const extractor = new NaiveExtractor();
            extractor.apply(root);
            const tars = [layerTar(root, 'ordered', random)];
            const inodes = new Map([...extractor.inodes].map(([path, { spec }]) => [path, spec]));
            const tree = new Map([...inodes].map(([path, { mode }]) => [path, mode]));
            const operations = carried(randomOperations(random, { count: 2 * operationCount, tree }));
            expect(operations.length).toBeGreaterThan(operationCount / 2);
            const plain = PlainSide.unpack(join(scratch, 'plain'), tars, inodes);
            if (plain === undefined) expect.fail('umoci refused');
            const ours = new StratafsSide(join(scratch, 'ours'), { tars }, fuseNative.options);
            compare(
              ours,
              { ...plainOracle(plain), shown: withoutHoles },
              operations,
              { uid: 0, gid: 0 },
              seed,
            );
            return Promise.resolve();
          });
        }
      },
    );
  },
);
