// Whatever an archive holds, it is an image or an error of one line: no stack, no internal error, no signal, no hang.
// HOSTILE_SEED and HOSTILE_COUNT choose the cases (.ci/hostile).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MNT_DETACH, unmount } from '../../src/sys/mount-calls.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { type Workplace, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { Examiner, type Order, WATCHDOG } from './examiner.ts';
import { writeHostileImage } from './images.ts';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 1);
const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 200);
const HOURS = 12 * 3_600_000;
const KILLED = 128 + 9;
/** What makes the images. */
const PACKERS = ['zstd', 'xz', 'bzip2'].map((program) => ({ program }));

/** Names, attributes, xattrs, and of each file the first and the last bytes: a sparse one may be of any size. */
const WALK = `find . -ls; getfattr -R -h -d -m - .
  find . -type f -exec head -c 65536 {} +; find . -type f -exec tail -c 4096 {} +`;

/** Counts what became of the images, and keeps what must not be. */
class Tally {
  readonly done = new Map<string, number>();
  readonly wrong: string[] = [];

  /** True if it was done. */
  async take(examiner: Examiner, seed: number, order: Order): Promise<boolean> {
    const result = await examiner.do(order);
    if (result.kind === 'wrong') this.wrong.push(`seed ${seed}: ${order.step}: ${result.text}`);
    const key = `${order.step} ${result.kind}`;
    this.done.set(key, (this.done.get(key) ?? 0) + 1);
    return result.kind === 'done';
  }

  /** Throws where anything was wrong, or if the images were too bad to say anything. */
  check(...steps: Order['step'][]): void {
    console.log(`${COUNT} images from seed ${SEED}:`, Object.fromEntries(this.done));
    expect(this.wrong).toEqual([]);
    if (COUNT < 200) return;
    for (const step of steps) expect(this.done.get(`${step} done`), step).toBeGreaterThan(COUNT / 10);
  }
}

const imageOf = (seed: number, directory: string): Promise<string> => {
  rmSync(directory, { recursive: true, force: true });
  return writeHostileImage(new Random(seed), directory);
};

describeWith(PACKERS, 'hostile images', () => {
  it(
    `indexes and exports ${COUNT} hostile images from seed ${SEED}, or refuses them in one line`,
    async () => {
      const directory = await scratchDirectory();
      const examiner = new Examiner();
      const tally = new Tally();
      try {
        for (let seed = SEED; seed < SEED + COUNT; seed++) {
          const source = await imageOf(seed, join(directory, 'image'));
          const common = { source, cacheDirectory: join(directory, 'cache') };
          await tally.take(examiner, seed, { step: 'index', ...common });
          await tally.take(examiner, seed, { step: 'export', ...common });
        }
      } finally {
        examiner.end();
      }
      tally.check('index', 'export');
    },
    HOURS,
  );
});

describeWith(['fuse', { program: 'getfattr' }, ...PACKERS], 'mounted', () => {
  it(
    `mounts, lists and reads ${COUNT} hostile images from seed ${SEED}, or refuses them in one line`,
    () =>
      withWorkplace(async (place) => {
        const examiner = new Examiner();
        const tally = new Tally();
        try {
          for (let seed = SEED; seed < SEED + COUNT; seed++) await readMounted(place, examiner, tally, seed);
        } finally {
          examiner.end();
        }
        tally.check('mount', 'unmount');
      }),
    HOURS,
  );

  it(
    'mounts and exports them by the commands, or refuses them in one line',
    () =>
      withWorkplace(async (place) => {
        for (let seed = SEED; seed < SEED + Math.ceil(COUNT / 40); seed++) {
          const source = await imageOf(seed, place.path('image'));
          for (const args of [
            ['mount', source, 'mnt'],
            ['export', source, '-o', 'out.tar'],
          ]) {
            const { status, stderr } = await place.stratafs(args, { timeout: WATCHDOG });
            const said = `seed ${seed}: ${args.join(' ')}: ${status}: ${stderr}`;
            expect([0, 1], said).toContain(status);
            expect(stderr, said).not.toMatch(/internal error|^\s+at /m);
            if (status !== 0) expect(stderr, said).toMatch(/^stratafs: /m);
            if (args[0] === 'mount' && status === 0) await place.unmount();
          }
        }
      }),
    HOURS,
  );
});

/** Damaged files may be EIO, but the mount must answer and end. */
async function readMounted(place: Workplace, examiner: Examiner, tally: Tally, seed: number): Promise<void> {
  const { mountpoint } = place;
  const source = await imageOf(seed, place.path('image'));
  const order = { source, cacheDirectory: place.path('cache'), mountpoint };
  if (await tally.take(examiner, seed, { step: 'mount', ...order })) {
    const { status } = await run('sh', ['-c', WALK], {
      ...{ cwd: mountpoint, stdio: 'ignore', timeout: WATCHDOG, killSignal: 'SIGKILL' },
    });
    if (status === KILLED) {
      tally.wrong.push(`seed ${seed}: the walk hangs`);
      examiner.end();
    } else await tally.take(examiner, seed, { step: 'unmount', ...order });
  }
  for (const left of place.mounted().reverse()) await unmount(left, MNT_DETACH);
}
