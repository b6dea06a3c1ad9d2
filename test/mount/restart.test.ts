// Mounts that survive their daemons: killed, stopped, replaced; and the ends that a keeper makes of those that can't go on.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { install } from './other-users.ts';
import { childOf, hasEnded, isAlive, workIn } from './processes.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const reader = fileURLToPath(new URL('restart.py', import.meta.url));

interface Processes {
  readonly keeper: number;
  readonly daemon: number;
}

interface Listed {
  readonly pid?: number;
  readonly keeper?: number;
  readonly restarts?: number;
  readonly lastRestart?: string;
  readonly state: string;
}

const list = async (place: Workplace): Promise<Listed> => (await place.listed()) ?? { state: 'gone' };

async function processesOf(place: Workplace): Promise<Processes> {
  const { pid = 0, keeper = 0 } = await list(place);
  expect(keeper).toBeGreaterThan(1);
  expect(await childOf(keeper)).toBe(pid);
  return { keeper, daemon: pid };
}

/** Waits until the keeper has another daemon than `before`, which may be a zombie still. */
async function nextDaemon(keeper: number, before: number): Promise<number> {
  for (;;) {
    const daemon = await childOf(keeper);
    if (daemon !== before) return daemon;
    await nextTurn();
  }
}

/** Waits until `pid` is in this state, a letter of proc(5). */
async function reaches(pid: number, state: string): Promise<void> {
  while (!readFileSync(`/proc/${pid}/stat`, 'latin1').includes(`) ${state} `)) await nextTurn();
}

interface BlockedReader {
  readonly ended: Promise<{ readonly status: number; readonly stdout: string }>;
}

/** sha256sum of `path` while the daemon is stopped: it waits for an answer when this returns. */
async function blockReader({ daemon }: Processes, path: string): Promise<BlockedReader> {
  process.kill(daemon, 'SIGSTOP');
  await reaches(daemon, 'T');
  const child = spawn('sha256sum', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = once(child, 'close').then(([status]) => ({ status: status as number, stdout }));
  const place = `/proc/${child.pid ?? 0}/wchan`;
  while (!readFileSync(place, 'latin1').includes('request_wait_answer')) await nextTurn();
  return { ended };
}

/** 40 MB in 1,200 files of a plain layer and a compressed one, and their digests. */
let sums: string;
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'stratafs-restart-'));
  sums = join(scratch, 'sums');
  const script = `
import os, random, sys
words = [random.Random(n).randbytes(40) for n in range(400)]
for n in range(1200):
    r = random.Random(n)
    path = f'files/{n % 2}/{n % 37}/{n}'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(b''.join(r.choices(words, k=r.choice([0, 1, 30, 400, 3000]))))`;
  const make = `python3 -c "$1" && (cd files && find . -type f | sort | xargs sha256sum >../sums) &&
    tar -czf 0.tar.gz -C files 0 && tar -cf 1.tar -C files 1`;
  execFileSync('sh', ['-c', make, 'sh', script], { cwd: scratch });
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface VerifyingReader {
  /** Ends it, and resolves to its output: "begun", and the number of rounds or what was wrong. */
  readonly end: () => Promise<string>;
}

/** restart.py; resolves when it has begun. */
async function beginReader({ mountpoint }: Workplace): Promise<VerifyingReader> {
  const child = spawn('python3', [reader, mountpoint, sums], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    end: async () => {
      child.stdin.end();
      await ended;
      return output;
    },
  };
}

const lowerdirs = (): string => `lowerdir=${join(scratch, '1.tar')}:${join(scratch, '0.tar.gz')}`;

describeWith(['fuse', 'root'], 'a mount whose daemon is killed', () => {
  it('is read without an error and without a wrong byte, 20 times', () =>
    withWorkplace(async (place) => {
      const mounted = await place.stratafs(['mount', '-o', `${lowerdirs()},restart=1000/3600`, 'mnt']);
      expect(mounted).toMatchObject({ status: 0, stderr: '' });
      const { keeper } = await processesOf(place);
      const { end } = await beginReader(place);
      let daemon = 0;
      for (let round = 0; round < 20; round++) {
        // A moment of the daemon's start, or of its service.
        await later(Math.random() * 400);
        daemon = await nextDaemon(keeper, daemon);
        process.kill(daemon, 'SIGKILL');
      }
      expect(await end()).toMatch(/^begun\n\d+\n$/);
      expect(await list(place)).toMatchObject({
        state: 'mounted',
        keeper,
        restarts: 20,
        lastRestart: 'SIGKILL',
      });
      const { stdout } = await place.stratafs(['stats', '--json', 'mnt']);
      expect(JSON.parse(stdout)).toMatchObject({ restarts: 20 });
      await place.unmount();
      expect(isAlive(keeper)).toBe(false);
    }));

  it('answers a reader that was blocked in a read of a compressed layer', () =>
    withWorkplace(async (place) => {
      await place.stratafs(['mount', '-o', lowerdirs(), 'mnt']);
      const processes = await processesOf(place);
      const path = '0/36/36';
      const blocked = await blockReader(processes, place.path(`mnt/${path}`));
      process.kill(processes.daemon, 'SIGKILL');
      const expected = readFileSync(sums, 'utf8')
        .split('\n')
        .find((line) => line.endsWith(`./${path}`));
      expect(await blocked.ended).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(expected?.split(' ')[0] ?? 'none') as string,
      });
      await place.unmount();
    }));

  it('keeps its age and its source, and its keeper has little memory', () =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const before = await place.listed();
      const { keeper, daemon } = await processesOf(place);
      process.kill(daemon, 'SIGKILL');
      const after = await list(place);
      expect(after).toMatchObject({
        ...before,
        pid: await childOf(keeper),
        restarts: 1,
        lastRestart: 'SIGKILL',
      });
      const [, pss] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${keeper}/smaps_rollup`, 'utf8')) ?? [];
      expect(Number(pss)).toBeLessThan(1024);
      await place.unmount();
    }));

  it('ends for its readers when it was killed too often, and is cleared away by the next mount', () =>
    withWorkplace(async (place) => {
      await place.mount(image, '-o', 'restart=2/3600');
      const { keeper, daemon } = await processesOf(place);
      process.kill(daemon, 'SIGKILL');
      const next = (await list(place)).pid ?? 0;
      const blocked = await blockReader({ keeper, daemon: next }, place.path('mnt/etc/passwd'));
      process.kill(next, 'SIGKILL');
      expect((await blocked.ended).status).toBe(1);
      expect(await hasEnded(keeper)).toBe(true);
      expect((await list(place)).state).toBe('dead');
      const { status, stderr } = await place.stratafs(['mount', image, 'mnt']);
      expect(stderr).toContain('whose daemon is gone');
      expect(status).toBe(0);
      await place.unmount();
    }));

  it.each([
    ['removed', (path: string) => rmSync(path)],
    ['written to', (path: string) => utimesSync(path, 1, 1)],
    [
      'replaced',
      (path: string) => {
        execFileSync('cp', ['-p', path, `${path}.new`]);
        renameSync(`${path}.new`, path);
      },
    ],
  ])('ends at once for its readers if its archive was %s meanwhile', (_title, change) =>
    withWorkplace(async (place) => {
      execFileSync('cp', [image, place.path('image.tar')]);
      await place.mount('image.tar');
      const processes = await processesOf(place);
      const blocked = await blockReader(processes, place.path('mnt/etc/passwd'));
      change(place.path('image.tar'));
      process.kill(processes.daemon, 'SIGKILL');
      expect((await blocked.ended).status).toBe(1);
      expect(await hasEnded(processes.keeper)).toBe(true);
      expect((await list(place)).state).toBe('dead');
    }),
  );
});

describeWith(['fuse', 'root'], 'a mount with a keeper', () => {
  it.each([
    ['SIGTERM to its keeper', ({ keeper }: Processes) => process.kill(keeper, 'SIGTERM')],
    ['SIGINT to its keeper', ({ keeper }: Processes) => process.kill(keeper, 'SIGINT')],
    ['SIGTERM to its daemon', ({ daemon }: Processes) => process.kill(daemon, 'SIGTERM')],
    ['umount(8)', (_: Processes, place: Workplace) => execFileSync('umount', [place.mountpoint])],
  ])('ends by %s, with both processes', (_title, end) =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const processes = await processesOf(place);
      end(processes, place);
      expect(await hasEnded(processes.keeper)).toBe(true);
      expect(isAlive(processes.daemon)).toBe(false);
      expect(place.mounted()).toEqual([]);
    }),
  );

  it('stays if it is busy when both processes get SIGTERM, and then can be restarted', () =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const { keeper, daemon } = await processesOf(place);
      const shell = await workIn(place.path('mnt/usr'));
      process.kill(keeper, 'SIGTERM');
      process.kill(daemon, 'SIGTERM');
      expect(await list(place)).toMatchObject({ state: 'mounted', pid: daemon });
      process.kill(daemon, 'SIGHUP');
      expect(await hasEnded(daemon)).toBe(true);
      expect(await list(place)).toMatchObject({ state: 'mounted', keeper, lastRestart: 'upgrade' });
      await shell.release();
      await place.unmount();
    }));

  it.each([['--force'], ['--lazy']])('whose daemon is stopped ends by unmount %s', (how) =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const { keeper, daemon } = await processesOf(place);
      process.kill(daemon, 'SIGSTOP');
      await reaches(daemon, 'T');
      expect(await place.stratafs(['unmount', how, 'mnt'])).toMatchObject({ status: 0 });
      expect(await hasEnded(keeper)).toBe(true);
      expect(isAlive(daemon)).toBe(false);
      expect(place.mounted()).toEqual([]);
    }),
  );

  it('is handed over by upgrade while it is read', () =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const { keeper, daemon } = await processesOf(place);
      const shell = await workIn(place.path('mnt/usr'));
      expect(await place.stratafs(['upgrade', 'mnt'])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(isAlive(daemon)).toBe(false);
      expect(await list(place)).toMatchObject({ keeper, restarts: 1, lastRestart: 'upgrade' });
      expect((await place.stratafs(['ls'])).stdout).toContain('mnt (restarted once, last: upgrade)');
      expect(await run('cat', [place.path('mnt/etc/passwd')])).toMatchObject({ status: 0 });
      await shell.release();
      await place.unmount();
    }));

  it('is handed over 5 times by upgrade --all while 4 processes verify all its files', () =>
    withWorkplace(async (place) => {
      const mounted = await place.stratafs(['mount', '-o', lowerdirs(), 'mnt']);
      expect(mounted).toMatchObject({ status: 0, stderr: '' });
      const { keeper } = await processesOf(place);
      const readers = await Promise.all([1, 2, 3, 4].map(() => beginReader(place)));
      for (let round = 0; round < 5; round++)
        expect(await place.stratafs(['upgrade', '--all'])).toEqual({ status: 0, stdout: '', stderr: '' });
      for (const { end } of readers) expect(await end()).toMatch(/^begun\n\d+\n$/);
      expect(await list(place)).toMatchObject({ keeper, restarts: 5, lastRestart: 'upgrade' });
      await place.unmount();
    }));

  it.each([
    ['-o', 'restart=off'],
    ['--tmp', '-v'],
  ])('is not what %s %s makes: its daemon has no keeper, and upgrade refuses it', (...options) =>
    withWorkplace(async (place) => {
      await place.mount(image, ...options);
      const { pid = 0, keeper } = await list(place);
      expect(keeper).toBe(undefined);
      const [, parent] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
      expect(readFileSync(`/proc/${parent ?? 0}/cmdline`, 'latin1')).not.toContain('stratafs');
      const { status, stderr } = await place.stratafs(['upgrade', 'mnt']);
      expect(stderr).toContain('no other daemon can go on with this mount');
      expect(status).toBe(1);
      process.kill(pid, 'SIGKILL');
      expect(await hasEnded(pid)).toBe(true);
      expect((await list(place)).state).toBe('dead');
    }),
  );
});

/** An installation in the workplace, whose daemon can be broken. */
class Installation {
  readonly #place: Workplace;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #script: string;

  constructor(place: Workplace) {
    this.#place = place;
    this.#environment = install(place);
    this.#script = place.path('dist/cli/main.cjs');
  }

  mount(...args: string[]): Promise<Outcome> {
    return run(process.execPath, [this.#script, 'mount', ...args, image, 'mnt'], {
      cwd: this.#place.directory,
      env: this.#environment,
    });
  }

  /** Daemons end at their start from now on, with status 1. */
  breakDown(): void {
    renameSync(this.#script, `${this.#script}.away`);
  }

  repair(): void {
    renameSync(`${this.#script}.away`, this.#script);
  }
}

describeWith(['fuse', 'root'], 'a mount whose next daemon dies at its start', () => {
  /** The keeper gives up in the end, so that no test waits for ever. Mounts, breaks the installation and kills the daemon, while a reader is blocked. */
  async function breakMount(
    place: Workplace,
    restart: string,
  ): Promise<{
    readonly installation: Installation;
    readonly keeper: number;
    readonly blocked: BlockedReader;
  }> {
    const installation = new Installation(place);
    expect(await installation.mount('-o', `restart=${restart}`)).toMatchObject({ status: 0 });
    const processes = await processesOf(place);
    const blocked = await blockReader(processes, place.path('mnt/etc/passwd'));
    installation.breakDown();
    process.kill(processes.daemon, 'SIGKILL');
    expect(await hasEnded(processes.daemon)).toBe(true);
    return { installation, keeper: processes.keeper, blocked };
  }

  it('ends after as many deaths as it may have, and is cleared away by unmount', () =>
    withWorkplace(async (place) => {
      const { keeper, blocked } = await breakMount(place, '4/1');
      expect((await blocked.ended).status).toBe(1);
      expect(await hasEnded(keeper)).toBe(true);
      expect((await list(place)).state).toBe('dead');
      await place.unmount();
      expect(place.mounted()).toEqual([]);
    }));

  it('goes on when a daemon can start again', () =>
    withWorkplace(async (place) => {
      const { installation, blocked } = await breakMount(place, '20/1');
      installation.repair();
      expect((await blocked.ended).status).toBe(0);
      await place.unmount();
    }));

  it.each([
    ['SIGTERM to its keeper', (keeper: number) => process.kill(keeper, 'SIGTERM')],
    ['SIGKILL to its keeper', (keeper: number) => process.kill(keeper, 'SIGKILL')],
    [
      'umount -l and SIGTERM',
      (keeper: number, { mountpoint }: Workplace) => {
        execFileSync('umount', ['-l', mountpoint]);
        process.kill(keeper, 'SIGTERM');
      },
    ],
  ])('ends by %s', (_title, end) =>
    withWorkplace(async (place) => {
      const { keeper, blocked } = await breakMount(place, '20/1');
      end(keeper, place);
      expect((await blocked.ended).status).toBe(1);
      expect(await hasEnded(keeper)).toBe(true);
    }),
  );
});

describeWith(['fuse', 'root'], 'a mount that covers what its next daemon needs', () => {
  it('has no keeper if it covers its archive, and is served', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('mnt/image.tar'));
      await place.mount(place.path('mnt/image.tar'));
      expect(await list(place)).toMatchObject({ state: 'mounted' });
      expect((await list(place)).keeper).toBe(undefined);
      expect(await run('cat', [place.path('mnt/etc/passwd')])).toMatchObject({ status: 0 });
      await place.unmount();
    }));

  it('survives its daemon if it covers the directory that the command worked in', () =>
    withWorkplace(async (place) => {
      const mounted = await place.stratafs(['mount', image, '.'], { cwd: place.mountpoint });
      expect(mounted).toMatchObject({ status: 0, stderr: '' });
      const { daemon } = await processesOf(place);
      process.kill(daemon, 'SIGKILL');
      expect(await run('cat', [place.path('mnt/etc/passwd')])).toMatchObject({ status: 0 });
      await place.unmount();
    }));
});

describeWith(['fuse', 'root'], 'a mount whose keeper is killed', () => {
  it('goes on without one', () =>
    withWorkplace(async (place) => {
      await place.mount(image);
      const { keeper, daemon } = await processesOf(place);
      process.kill(keeper, 'SIGKILL');
      expect(await hasEnded(keeper)).toBe(true);
      await expect.poll(() => list(place)).toMatchObject({ state: 'mounted', pid: daemon });
      expect((await list(place)).keeper).toBe(undefined);
      await place.unmount();
      expect(isAlive(daemon)).toBe(false);
    }));
});
