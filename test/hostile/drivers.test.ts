// Whatever an archive holds, the kernel's EROFS driver shows what the FUSE driver shows, but for what docs/formats.md lists
// ("EROFS image"), or refuses it in one line. HOSTILE_SEED and HOSTILE_COUNT choose the cases (.ci/hostile).
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { MNT_DETACH, unmount } from '../../src/sys/mount-calls.ts';
import { S_IFCHR, S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { needs } from '../mount/erofs.ts';
import { type Workplace, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { Examiner, type Order, type Result, WATCHDOG } from './examiner.ts';
import { writeHostileImage } from './images.ts';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 1);
/** Each image is mounted twice. */
const COUNT = Math.ceil(Number(process.env['HOSTILE_COUNT'] ?? 200) / 2);
const HOURS = 12 * 3_600_000;
const SHOW_TREE = fileURLToPath(new URL('show-tree.py', import.meta.url));
/** What FUSE serves and an EROFS image can't hold. */
const LIMITS = /more than \d+ bytes that an EROFS image would have to copy|bytes of extended attributes/;

/** A line of show-tree.py. */
interface Shown {
  readonly mode: string;
  readonly mtime: string;
  readonly nlink: number;
  readonly rdev: number;
  readonly xattrs: Readonly<Record<string, string>> | string;
}
type ShownTree = Map<string, Shown | string>;

interface Drivers {
  readonly fuse: Result;
  readonly erofs: Result;
  readonly trees: ShownTree[];
}

async function showTree(root: string): Promise<ShownTree> {
  const { status, stdout, stderr } = await run('python3', [SHOW_TREE, root], {
    timeout: WATCHDOG,
    killSignal: 'SIGKILL',
  });
  if (status !== 0) throw new Error(`show-tree.py: ${status}: ${stderr}`);
  const lines = stdout.split('\n').slice(0, -1);
  return new Map(lines.map((line) => JSON.parse(line) as [string, Shown | string]));
}

const typeOf = ({ mode }: Shown): number => Number(mode) & S_IFMT;

/**
 * What both drivers have to show alike. In a writable mount the root is the upper directory, which is another one each time,
 * and of which kernel overlayfs lists our mark; overlayfs counts 1 for a directory that it merges, and takes 0:0 devices for
 * whiteouts, so an image for it lacks them.
 */
function comparable(tree: ShownTree, isWritable: boolean): ShownTree {
  if (!isWritable) return tree;
  const shown: ShownTree = new Map();
  for (const [path, each] of tree) {
    if (typeof each === 'string') shown.set(path, each);
    else if (path === '') shown.set(path, { ...each, mtime: '', nlink: 0, xattrs: {} });
    else if (typeOf(each) === S_IFDIR) shown.set(path, { ...each, nlink: 0 });
    else if (typeOf(each) !== S_IFCHR || each.rdev !== 0) shown.set(path, each);
  }
  return shown;
}

/** Mounts the image by each driver in turn, and shows both trees if both mount. */
async function mountByBoth(place: Workplace, examiner: Examiner, seed: number): Promise<Drivers> {
  const { mountpoint } = place;
  rmSync(place.path('image'), { recursive: true, force: true });
  const source = await writeHostileImage(new Random(seed), place.path('image'));
  const trees: ShownTree[] = [];
  const mountBy = async (driver: 'dev-fuse' | 'erofs'): Promise<Result> => {
    const order: Order = {
      ...{ step: 'mount', source, mountpoint, cacheDirectory: place.path('cache') },
      options: { driver, showsLayers: false, ...(isWritable(seed) ? upperOf(place) : {}) },
    };
    const mounted = await examiner.do(order);
    if (mounted.kind !== 'done') return mounted;
    trees.push(await showTree(mountpoint));
    const unmounted = await examiner.do({ ...order, step: 'unmount' });
    return unmounted.kind === 'done' ? mounted : unmounted;
  };
  try {
    return { fuse: await mountBy('dev-fuse'), erofs: await mountBy('erofs'), trees };
  } finally {
    for (const left of place.mounted().reverse()) await unmount(left, MNT_DETACH);
  }
}

const isWritable = (seed: number): boolean => seed % 2 === 1;

/** A new upper directory. */
function upperOf(place: Workplace): object {
  const [directory, workDirectory] = [place.path('upper'), place.path('work')];
  for (const path of [directory, workDirectory]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  return { upper: { directory, workDirectory } };
}

/** The problem; undefined if both drivers agree. */
function problemOf({ fuse, erofs, trees }: Drivers, seed: number): string | undefined {
  if (fuse.kind === 'wrong') return fuse.text;
  if (erofs.kind === 'wrong') return erofs.text;
  if (fuse.kind === 'refused') {
    return erofs.kind === 'refused' ? undefined : `only FUSE refuses it: ${fuse.text}`;
  }
  if (erofs.kind === 'refused') return LIMITS.test(erofs.text) ? undefined : erofs.text;
  const [left, right] = trees.map((tree) => comparable(tree, isWritable(seed)));
  const paths = new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])]);
  const unlike = [...paths].filter((path) => !isDeepStrictEqual(left?.get(path), right?.get(path)));
  const lines = unlike.map(
    (path) => `'${path}': FUSE ${JSON.stringify(left?.get(path))}, EROFS ${JSON.stringify(right?.get(path))}`,
  );
  return lines.length === 0 ? undefined : lines.join('\n');
}

describeWith(
  [...needs, 'fuse', { program: 'python3' }, ...['zstd', 'xz', 'bzip2'].map((program) => ({ program }))],
  'hostile images',
  () => {
    it(
      `show the same by FUSE and by EROFS, read-only and writable, or are refused (${COUNT} from seed ${SEED})`,
      () =>
        withWorkplace(async (place) => {
          const examiner = new Examiner();
          const wrong: string[] = [];
          let compared = 0;
          try {
            for (let seed = SEED; seed < SEED + COUNT; seed++) {
              const drivers = await mountByBoth(place, examiner, seed);
              const problem = problemOf(drivers, seed);
              if (problem !== undefined) wrong.push(`seed ${seed}: ${problem}`);
              else if (drivers.trees.length === 2) compared++;
            }
          } finally {
            examiner.end();
          }
          expect(wrong).toEqual([]);
          console.log(`${compared} of ${COUNT} images from seed ${SEED} compared`);
          if (COUNT >= 100) expect(compared).toBeGreaterThan(COUNT / 10);
        }),
      HOURS,
    );
  },
);
