// The daemon is killed at random instants under a load that writes, and the upper mounted again: all that was done is
// there, what was under way is done or not, hard links are still that, and the work directory is empty.
// STRATAFS_SEED=n begins with another seed, STRATAFS_ROUNDS=n kills so often (the long form: 200).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Random } from '../tree/random.ts';
import { describeWith } from '../requirements.ts';
import { run, withWorkplace, type Workplace } from '../mount/stratafs.ts';

const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);
const rounds = Number(process.env['STRATAFS_ROUNDS'] ?? 20);
const script = fileURLToPath(new URL('crash.py', import.meta.url));

/** Layers with files that take a while to be copied up, hard links, and directories to move. */
async function makeLower(place: Workplace): Promise<void> {
  const shell = `
    mkdir -p low/d/e/f low/g top/d
    for n in 1 2 3 4 5; do head -c 3000000 /dev/urandom > low/d/big$n; head -c 9000 /dev/urandom > low/g/small$n; done
    head -c 2000000 /dev/urandom > low/d/linked; ln low/d/linked low/g/linked; ln low/d/linked low/d/e/linked
    head -c 100000 /dev/urandom > low/d/e/f/deep; head -c 5000 /dev/urandom > top/d/upper; ln top/d/upper top/d/twin`;
  const { status, stderr } = await run('sh', ['-ec', shell], { cwd: place.directory });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const name of ['upper', 'work']) mkdirSync(place.path(name));
}

async function crash(place: Workplace, action: string, ...more: string[]): Promise<string> {
  const { status, stdout, stderr } = await run('python3', [
    script,
    action,
    place.mountpoint,
    place.path('state'),
    ...more,
  ]);
  expect(stderr + (status === 0 ? '' : stdout), action).toBe('');
  return stdout;
}

/** Kills `pid` once the load has done `count` changes, in the midst of the next ones. */
async function loadAndKill(place: Workplace, seed: number, count: number, pid: number): Promise<void> {
  const args = [script, 'load', place.mountpoint, place.path('state'), String(seed)];
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let done = 0;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.on('data', (dots: Buffer) => {
    const before = done;
    done += dots.length;
    if (before < count && done >= count) process.kill(pid, 'SIGKILL');
  });
  await once(child, 'close');
  expect(stderr, `STRATAFS_SEED=${seed}`).toBe('');
  expect(done).toBeGreaterThanOrEqual(count);
}

describeWith(['root', 'fuse', { program: 'python3' }], 'SIGKILL of the daemon', () => {
  it(`${rounds} times loses nothing that was done`, { timeout: 600_000 + 60_000 * rounds }, async () => {
    await withWorkplace(async (place) => {
      await makeLower(place);
      const mount = async (): Promise<number> => {
        const options = `lowerdir=${place.path('top')}:${place.path('low')},upperdir=${place.path('upper')},workdir=${place.path('work')}`;
        const { status, stderr } = await place.stratafs(['mount', '-o', options, place.mountpoint]);
        expect(stderr).toBe('');
        expect(status).toBe(0);
        return (await place.listed())?.pid ?? expect.fail('the mount is not listed');
      };
      let pid = await mount();
      await crash(place, 'begin');
      for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
        await loadAndKill(place, seed, 1 + new Random(seed).below(120), pid);
        expect((await run('umount', ['-l', place.mountpoint])).status).toBe(0);
        pid = await mount();
        expect(readdirSync(place.path('work/work')), `STRATAFS_SEED=${seed}`).toEqual([]);
        await crash(place, 'check');
      }
      await place.unmount();
    });
  });
});
