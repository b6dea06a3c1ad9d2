// The life of a mount that the command creates: start, signals, unmount.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { describeDrivers, devFuse } from './drivers.ts';
import { hasEnded, isAlive, workIn } from './processes.ts';
import { COMMAND, type Workplace, fixture, run, withMounted, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

/** Resolves when process `pid` has ended. */
async function gone(pid: number): Promise<void> {
  expect(await hasEnded(pid)).toBe(true);
}

/** The daemon's pid. Throws if `stratafs ls` shows none. */
async function daemonOf(place: Workplace): Promise<number> {
  const pid = (await place.listed())?.pid;
  if (pid === undefined) throw new Error('no daemon is listed');
  return pid;
}

describeDrivers([], 'a mount', (driver) => {
  const { options } = driver;
  it('answers requests when the command returns, which prints nothing', () =>
    withWorkplace(async (place) => {
      expect(await place.stratafs(['mount', ...options, image, 'mnt'])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect(readFileSync(place.path('mnt/usr/src/app/package.json'), 'utf8')).toContain(
        '"name": "expressweb"',
      );
      await place.unmount();
    }));

  it('is listed with its source, mount point, pid and age', () =>
    withMounted(
      image,
      async (place) => {
        const { stdout } = await place.stratafs(['ls']);
        expect(stdout.split('\n')[0]).toMatch(/^SOURCE +MOUNT POINT +UPPER +PID +AGE$/);
        const line = stdout.split('\n').find((each) => each.includes(place.mountpoint));
        expect(line).toMatch(/expressweb\.tar +\S+\/mnt +\d+ +\d+s$/);
        const listed = await place.listed();
        expect(listed).toMatchObject({ source: image, mountPoint: place.mountpoint, state: 'mounted' });
        expect(listed?.imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
        expect(listed?.layers).toBeGreaterThan(1);
        expect(isAlive(listed?.pid ?? 0)).toBe(true);
      },
      ...options,
    ));

  it('is served by a daemon in a new session, in directory /, with /dev/null as standard streams', () =>
    withMounted(
      image,
      async (place) => {
        const pid = await daemonOf(place);
        const { stdout } = await run('sh', [
          '-c',
          'ps -o sid= -p "$1"; readlink "/proc/$1/cwd" "/proc/$1/fd/0" "/proc/$1/fd/1" "/proc/$1/fd/2"; ps -o args= -p "$1"',
          'sh',
          String(pid),
        ]);
        const [session, ...rest] = stdout.trim().split('\n');
        expect(Number(session)).toBe(pid);
        expect(rest.slice(0, 4)).toEqual(['/', '/dev/null', '/dev/null', '/dev/null']);
        expect(rest[4]).toMatch(/^stratafs .*expressweb\.tar .*mnt$/);
      },
      ...options,
    ));

  it('keeps no descriptor of the command that started it', () =>
    withWorkplace(async (place) => {
      // If the daemon kept the other end of this pipe, its reader would wait forever.
      const script = `"$1" "$2" mount ${options.join(' ')} "$3" mnt | cat; "$1" "$2" unmount mnt 2>&1 | cat`;
      const { status } = await run('sh', ['-c', script, 'sh', process.execPath, COMMAND, image], {
        cwd: place.directory,
        env: place.environment,
      });
      expect(status).toBe(0);
      expect(place.mounted()).toEqual([]);
    }));

  it('is gone with its daemon when unmount returns', () =>
    withWorkplace(async (place) => {
      await place.mount(image, ...options);
      const pid = await daemonOf(place);
      await place.unmount();
      expect(isAlive(pid)).toBe(false);
      expect(place.mounted()).toEqual([]);
      expect(readdirSync(place.mountpoint)).toEqual([]);
    }));

  // The driver makes no difference for signals.
  it.each(driver === devFuse ? (['SIGTERM', 'SIGINT', 'SIGHUP'] as const) : (['SIGTERM'] as const))(
    'without a keeper ends by %s',
    (signal) =>
      withWorkplace(async (place) => {
        await place.mount(image, ...options, '-o', 'restart=off');
        const pid = await daemonOf(place);
        process.kill(pid, signal);
        await gone(pid);
        expect(place.mounted()).toEqual([]);
      }),
  );

  it.each([['umount'], ['fusermount3', '-u']])('ends by %s, and its daemon with it', (program, ...args) =>
    withWorkplace(async (place) => {
      await place.mount(image, ...options);
      const pid = await daemonOf(place);
      expect(await run(program, [...args, place.mountpoint])).toMatchObject({ status: 0 });
      await gone(pid);
      expect(place.mounted()).toEqual([]);
    }),
  );

  it('stays mounted while it is busy, and unmount lists the processes that use it', () =>
    withMounted(
      image,
      async (place) => {
        const shell = await workIn(place.path('mnt/usr'));
        const { status, stderr } = await place.stratafs(['unmount', 'mnt']);
        expect(stderr).toBe(
          `stratafs: ${place.mountpoint} is busy: sh (pid ${shell.pid}) works in ${place.mountpoint}/usr\n`,
        );
        expect(status).toBe(1);
        expect(place.mounted()).toEqual([place.mountpoint]);
        await shell.release();
      },
      ...options,
    ));

  it('stays mounted if unmount is started in it', () =>
    withMounted(
      image,
      async (place) => {
        const script = 'cd "$1" && exec "$2" "$3" unmount .';
        const args = ['-c', script, 'sh', place.mountpoint, process.execPath, COMMAND];
        const { status, stderr } = await run('sh', args);
        expect(stderr).toMatch(/^stratafs: \S+\/mnt is busy: node \(pid \d+\) works in it\n$/);
        expect(status).toBe(1);
      },
      ...options,
    ));

  it('is detached by unmount --lazy, and keeps serving the processes in it', () =>
    withWorkplace(async (place) => {
      await place.mount(image, ...options);
      const pid = await daemonOf(place);
      const shell = await workIn(place.path('mnt/usr'));
      expect(await place.stratafs(['unmount', '--lazy', 'mnt'])).toMatchObject({ status: 0, stderr: '' });
      expect(place.mounted()).toEqual([]);
      expect(isAlive(pid)).toBe(true);
      expect(readdirSync(`/proc/${shell.pid}/cwd`)).toContain('src');
      await shell.release();
      await gone(pid);
    }));

  it('stays when a signal finds it busy; the second signal detaches it', () =>
    withWorkplace(async (place) => {
      const command = spawn(process.execPath, [COMMAND, 'mount', '-f', ...options, image, 'mnt'], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      try {
        const lines = createInterface(command.stderr);
        await untilMounted(place);
        const shell = await workIn(place.path('mnt/usr'));
        command.kill('SIGTERM');
        const [line] = (await once(lines, 'line')) as [string];
        expect(line).toBe(
          `stratafs: warning: ${place.mountpoint} is busy: sh (pid ${shell.pid}) works in ${place.mountpoint}/usr; ` +
            'it stays mounted; a second signal detaches it',
        );
        expect(place.mounted()).toEqual([place.mountpoint]);
        command.kill('SIGTERM');
        await shell.release();
        expect(await once(command, 'close')).toEqual([0, null]);
        expect(place.mounted()).toEqual([]);
      } finally {
        command.kill('SIGKILL');
      }
    }));

  it('in front lasts until it is interrupted, and ends with 0', () =>
    withWorkplace(async (place) => {
      const command = spawn(process.execPath, [COMMAND, 'mount', '--foreground', ...options, image, 'mnt'], {
        cwd: place.directory,
        env: place.environment,
      });
      try {
        await untilMounted(place);
        expect((await place.listed())?.pid).toBe(command.pid);
        command.kill('SIGINT');
        expect(await once(command, 'close')).toEqual([0, null]);
        expect(place.mounted()).toEqual([]);
      } finally {
        command.kill('SIGKILL');
      }
    }));

  it('whose daemon was killed, and that has no keeper, is listed as dead, and removed by unmount or by the next mount', () =>
    withWorkplace(async (place) => {
      for (const clear of [
        () => place.stratafs(['unmount', 'mnt']),
        () => place.stratafs(['mount', ...options, image, 'mnt']),
      ]) {
        await place.mount(image, ...options, '-o', 'restart=off');
        const pid = await daemonOf(place);
        process.kill(pid, 'SIGKILL');
        await gone(pid);
        expect(await place.listed()).toMatchObject({ state: 'dead', source: image });
        expect((await place.stratafs(['ls'])).stdout).toMatch(/mnt +dead$/m);
        expect(await clear()).toMatchObject({ status: 0 });
        if (place.mounted().length > 0) {
          expect(readdirSync(place.mountpoint)).toContain('usr');
          await place.unmount();
        }
      }
      expect(place.mounted()).toEqual([]);
    }));

  it('has the requested flags, name and cache size', () =>
    withMounted(
      image,
      async (place) => {
        const line = readFileSync('/proc/self/mountinfo', 'utf8')
          .split('\n')
          .find((each) => each.includes(` ${place.mountpoint} `));
        expect(line).toMatch(/ ro,nosuid,nodev,noexec,noatime - fuse\.stratafs my\\040image ro,/);
        expect((await place.stratafs(['stats', 'mnt'])).stdout).toMatch(/ 0 B of 64\.0 MiB$/m);
      },
      ...[...options, '-o', 'noexec,noatime', '-o', 'fsname=my image', '--cache-size', '64M'],
    ));

  it('counts requests', () =>
    withMounted(
      image,
      async (place) => {
        readdirSync(place.mountpoint);
        const text = (await place.stratafs(['stats', 'mnt'])).stdout;
        expect(text).toMatch(/^REQUEST +COUNT +NATIVE\n/);
        expect(text).toMatch(
          driver === devFuse ? /^READDIRPLUS +([1-9]\d*) +\1$/m : /^READDIR +[1-9]\d* +0$/m,
        );
        expect(text).toMatch(/^cache size +0 B of 256 MiB$/m);
        const statistics = JSON.parse((await place.stratafs(['stats', '--json', 'mnt'])).stdout) as object;
        expect(statistics).toMatchObject({
          bytesRead: 0,
          cache: { hits: 0, misses: 0, maxBytes: 256 * 2 ** 20 },
        });
      },
      ...options,
    ));
});

/** Resolves when `stratafs ls` lists a mount that answers. */
async function untilMounted(place: Workplace): Promise<void> {
  while ((await place.listed())?.state !== 'mounted');
}
