// Mounts that another mount namespace has copied. unshare(1) creates a namespace with a copy of each mount.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { hasEnded } from './processes.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

/** Runs `body` while a process in a mount namespace of its own has a copy of each mount; `options` are unshare's. */
async function whileCopied(
  body: (holder: ChildProcess) => Promise<void>,
  ...options: string[]
): Promise<void> {
  const script = 'echo ready; exec cat';
  const args = ['--mount', '--propagation', 'private', ...options, 'sh', '-c', script];
  const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(holder.stdout, 'data');
    await body(holder);
  } finally {
    const ended = once(holder, 'close');
    holder.stdin.end();
    await ended;
  }
}

interface Listed {
  readonly mountPoint: string;
  readonly state: string;
  readonly pid: number;
  readonly heldBy?: { readonly pid: number; readonly name: string }[];
}

async function list(place: Workplace): Promise<Listed[]> {
  const { stdout } = await place.stratafs(['ls', '--json']);
  return (JSON.parse(stdout) as Listed[]).filter(({ mountPoint }) => mountPoint === place.mountpoint);
}

/** The output of a process in the other namespace. */
function inNamespace(holder: ChildProcess, ...command: string[]): Promise<Outcome> {
  return run('nsenter', ['--mount', '--target', String(holder.pid), ...command]);
}

describeWith(
  ['fuse', 'root', { program: 'unshare' }, { program: 'nsenter' }],
  'a mount that another mount namespace has copied',
  () => {
    it('is unmounted here with a note of its holder, stays listed, and ends with the namespace', () =>
      withWorkplace(async (place) => {
        await place.mount(image);
        const before = await list(place);
        await whileCopied(async (holder) => {
          const message = `stratafs: ${place.mountpoint}: unmounted, but the mount namespace of cat (pid ${holder.pid ?? 0}) still has it; stratafs unmount --force ${place.mountpoint} ends it\n`;
          // The second call doesn't find it in the mount table, and reports it as held all the same.
          for (const args of [
            ['unmount', 'mnt'],
            ['unmount', '--lazy', 'mnt'],
          ]) {
            expect(await place.stratafs(args)).toEqual({ status: 1, stdout: '', stderr: message });
          }
          expect(place.mounted()).toEqual([]);
          const heldBy = [{ pid: holder.pid, name: 'cat' }];
          expect(await list(place)).toEqual([{ ...before[0], state: 'held', heldBy }]);
          expect((await place.stratafs(['ls'])).stdout).toContain(
            `mnt (held by cat, pid ${holder.pid ?? 0})`,
          );
          expect((await inNamespace(holder, 'ls', place.mountpoint)).stdout).toContain('usr\n');
        });
        expect(await hasEnded(before[0]?.pid ?? 0)).toBe(true);
        expect(await list(place)).toEqual([]);
      }));

    it('is ended by --force, whether or not it is still mounted here', () =>
      withWorkplace(async (place) => {
        for (const isMounted of [true, false]) {
          await place.mount(image);
          await whileCopied(async (holder) => {
            if (!isMounted) expect((await place.stratafs(['unmount', 'mnt'])).status).toBe(1);
            expect(await place.stratafs(['unmount', '--force', 'mnt'])).toEqual({
              status: 0,
              stdout: '',
              stderr: '',
            });
            expect(place.mounted()).toEqual([]);
            expect(await list(place)).toEqual([]);
            expect((await inNamespace(holder, 'ls', place.mountpoint)).stderr).toMatch(
              /Transport endpoint is not connected/,
            );
          });
        }
      }));

    it("SIGTERM ends the daemon, and so does the library's close", () =>
      withWorkplace(async (place) => {
        await place.mount(image);
        const [listed] = await list(place);
        await whileCopied(async () => {
          process.kill(listed?.pid ?? 0, 'SIGTERM');
          expect(await hasEnded(listed?.pid ?? 0)).toBe(true);
          expect(place.mounted()).toEqual([]);
        });
      }));

    it('a mount of a daemon inside another namespace is not listed here', () =>
      withWorkplace(async (place) => {
        const script = '"$S" mount "$I" mnt && echo ready; cat; "$S" unmount mnt';
        const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
          cwd: place.directory,
          env: { ...place.environment, S: new URL('../../bin/stratafs', import.meta.url).pathname, I: image },
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        try {
          await once(holder.stdout, 'data');
          expect(await list(place)).toEqual([]);
        } finally {
          const ended = once(holder, 'close');
          holder.stdin.end();
          await ended;
        }
      }));
  },
);
