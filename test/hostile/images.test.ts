// Whatever an archive holds, it is an image or an error of one line: no stack, no internal error, no signal, no hang.
// HOSTILE_SEED and HOSTILE_COUNT choose the cases (.ci/hostile).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { indexImage } from '../../src/mount.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { hostileImage } from './images.ts';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 1);
const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 200);
/** One line without control characters; a choice of images is listed beneath it. */
const ONE_LINE = /^\P{Cc}+(\n {2}@\d+ \P{Cc}*)*$/u;
/** A command that takes longer hangs. */
const WATCHDOG = 120_000;

it(`${COUNT} hostile images from seed ${SEED} are indexed, or refused in one line`, async () => {
  const directory = await scratchDirectory();
  const path = join(directory, 'image.tar');
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    writeFileSync(path, hostileImage(new Random(seed)));
    try {
      await indexImage(path, { cacheDirectory: join(directory, 'cache') });
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`seed ${seed}`, { cause: error });
      expect(error.message, `seed ${seed}`).toMatch(ONE_LINE);
    }
  }
}, 3_600_000);

describeWith(['fuse'], 'the commands', () => {
  it(
    'mount and export hostile images, or refuse them in one line',
    () =>
      withWorkplace(async (place) => {
        let shown = 0;
        for (let seed = SEED; seed < SEED + Math.ceil(COUNT / 10); seed++) {
          writeFileSync(place.path('image.tar'), hostileImage(new Random(seed)));
          for (const args of [
            ['mount', 'image.tar', 'mnt'],
            ['export', 'image.tar', '-o', 'out.tar'],
          ]) {
            const { status, stderr } = await place.stratafs(args, { timeout: WATCHDOG });
            const said = `seed ${seed}: ${args.join(' ')}: ${status}: ${stderr}`;
            expect([0, 1], said).toContain(status);
            expect(stderr, said).not.toMatch(/internal error|^\s+at /m);
            if (status !== 0) expect(stderr, said).toMatch(/^stratafs: /m);
            if (args[0] !== 'mount' || status !== 0) continue;
            shown++;
            // What was damaged may be EIO; the mount answers, and ends.
            await run('find', [place.mountpoint, '-ls'], { timeout: WATCHDOG });
            await run('tar', ['-cf', '/dev/null', '-C', place.mountpoint, '.'], { timeout: WATCHDOG });
            expect(readFileSync('/proc/self/mountinfo', 'utf8'), said).toContain(place.mountpoint);
            await place.unmount();
          }
        }
        if (COUNT >= 200) expect(shown).toBeGreaterThan(0);
      }),
    3_600_000,
  );
});
