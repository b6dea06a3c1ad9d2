// How a mount gets to the background: bin/stratafs, the launcher, and V8's cache of what is loaded.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { install } from './other-users.ts';
import { daemonOf } from './processes.ts';
import { PROGRAM, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const built = (name: string): string => fileURLToPath(new URL(`../../dist/cli/${name}`, import.meta.url));
const silent = { status: 0, stdout: '', stderr: '' };

/** Runs bin/stratafs by another name, as npm installs it. */
function callAs(place: Workplace, name: string, ...args: string[]): ReturnType<typeof run> {
  symlinkSync(PROGRAM, place.path(name));
  return run(place.path(name), args, { cwd: place.directory, env: place.environment });
}

/** Takes long enough to index that a signal comes before the end. */
let long: string;
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'stratafs-launcher-'));
  long = join(scratch, 'zeros.tar.gz');
  execFileSync(
    'sh',
    ['-c', 'truncate -s 256M zeros && tar -cf - zeros | gzip -1 >zeros.tar.gz && rm zeros'],
    {
      cwd: scratch,
    },
  );
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** A mount that has begun. */
interface Begun {
  readonly command: ChildProcess;
  readonly daemon: number;
  /** What ends it: exit status and signal, and what it said by then. */
  readonly end: Promise<{ end: unknown[]; stderr: string }>;
}

/** Begins to mount what takes long, by `before` in front of the program. */
async function beginMount(place: Workplace, ...before: string[]): Promise<Begun> {
  const [program, ...args] = [...before, PROGRAM, 'mount', long, 'mnt'];
  const command = spawn(program, args, {
    cwd: place.directory,
    env: place.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  command.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const end = once(command, 'close').then((how: unknown[]) => ({ end: how, stderr }));
  return { command, daemon: await daemonOf(command.pid as number), end };
}

describeWith(['fuse'], 'the installed program', () => {
  it.each([
    ['stratafs', ['mount', image, 'mnt']],
    ['mount.stratafs', [image, 'mnt', '-o', 'rw']],
    ['stratafs-overlay', ['-o', 'lowerdir=layer', 'mnt']],
  ])('mounts as %s, through a link', (name, args) =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('layer'));
      expect(await callAs(place, name, ...args)).toEqual(silent);
      expect(place.mounted()).toEqual([place.mountpoint]);
      await place.unmount();
    }),
  );

  it.each([
    ['stratafs', ['mount', 'x'], 2, 'mount: missing argument: MOUNTPOINT'],
    ['mount.stratafs', ['x'], 1, 'mount.stratafs: missing argument: MOUNTPOINT'],
    ['stratafs-overlay', ['x'], 1, 'no layers: expected -o lowerdir=TOP:...:BASE'],
  ])('%s fails once, with its own exit status', (name, args, status, message) =>
    withWorkplace(async (place) => {
      expect(await callAs(place, name, ...args)).toEqual({
        status,
        stdout: '',
        stderr: `stratafs: ${message}\n`,
      });
    }),
  );

  it('in front is the process that was started', () =>
    withWorkplace(async (place) => {
      const command = spawn(PROGRAM, ['mount', '-f', image, 'mnt'], {
        cwd: place.directory,
        env: place.environment,
        stdio: 'ignore',
      });
      while ((await place.listed())?.state !== 'mounted');
      expect((await place.listed())?.pid).toBe(command.pid);
      command.kill('SIGTERM');
      expect(await once(command, 'close')).toEqual([0, null]);
    }));

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'dies of %s once the daemon has undone everything',
    (signal) =>
      withWorkplace(async (place) => {
        const { command, end } = await beginMount(place);
        command.kill(signal);
        expect(await end).toEqual({ end: [null, signal], stderr: '' });
        expect(place.mounted()).toEqual([]);
        expect(place.drafts()).toEqual([]);
      }),
  );

  it('is not ended by a hangup that it was to ignore', () =>
    withWorkplace(async (place) => {
      const { command, end } = await beginMount(place, 'sh', '-c', `trap '' HUP; exec "$@"`, 'sh');
      command.kill('SIGHUP');
      expect(await end).toEqual({ end: [0, null], stderr: '' });
      await place.unmount();
    }));

  it('needs no standard streams', () =>
    withWorkplace(async (place) => {
      const closed = [`exec "$@" <&- >&- 2>&-`, 'sh', PROGRAM, 'mount', image, 'mnt'];
      expect(await run('sh', ['-c', ...closed], { cwd: place.directory, env: place.environment })).toEqual(
        silent,
      );
      const pid = (await place.listed())?.pid ?? 0;
      const streams = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      expect(streams).toEqual(['/dev/null', '/dev/null', '/dev/null']);
      await place.unmount();
    }));

  it('says so where its daemon is killed', () =>
    withWorkplace(async (place) => {
      const { daemon, end } = await beginMount(place);
      process.kill(daemon, 'SIGKILL');
      const stderr = 'stratafs: the daemon ended before the mount answered (Killed)\n';
      expect(await end).toEqual({ end: [1, null], stderr });
      expect(place.mounted()).toEqual([]);
    }));

  it('says what to do where it was not built', () =>
    withWorkplace(async (place) => {
      const env = install(place);
      mkdirSync(place.path('bin'));
      copyFileSync(PROGRAM, place.path('bin/stratafs'));
      rmSync(place.path('build/Release/stratafs-launch'));
      const { status, stderr } = await run('sh', [place.path('bin/stratafs'), 'mount', image, 'mnt'], {
        env,
      });
      expect(stderr).toBe(
        `stratafs: ${place.path('build/Release/stratafs-launch')}: can't be run (errno 2); run: npm --prefix ${place.directory} run install\n`,
      );
      expect(status).toBe(1);
    }));
});

describeWith([], "V8's cache", () => {
  const bundled = ['core', 'layers', 'mounting', 'inspecting'];

  it.each(bundled)('of %s is taken by the Node that made it', (name) => {
    const check = `
      const source = require('node:module').wrap(fs.readFileSync('${built(`${name}.cjs`)}', 'latin1'));
      const cachedData = fs.readFileSync('${built(`${name}.cache`)}');
      console.log(new vm.Script(source, { filename: '${built(`${name}.cjs`)}', cachedData }).cachedDataRejected);`;
    expect(execFileSync(process.execPath, ['-e', check], { encoding: 'utf8' })).toBe('false\n');
  });

  it.each(bundled)('of %s is of a file that is ASCII: its bytes are taken for its characters', (name) => {
    expect(readFileSync(built(`${name}.cjs`)).every((byte) => byte < 0x80)).toBe(true);
  });

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['cut', (path: string) => truncateSync(path, 1000)],
    ["somebody else's", (path: string) => writeFileSync(path, Buffer.alloc(1 << 20, basename(path)))],
  ])('may be %s', (_, spoil) =>
    withWorkplace(async (place) => {
      install(place);
      spoil(place.path('dist/cli/core.cache'));
      const { stdout, stderr } = await run(process.execPath, [place.path('dist/cli/main.cjs'), '--version']);
      expect({ stdout, stderr }).toEqual({
        stdout: `${(JSON.parse(readFileSync(join(place.directory, 'package.json'), 'utf8')) as { version: string }).version}\n`,
        stderr: '',
      });
    }),
  );
});
