// A daemon of many mounts. It runs in the test's own process; child processes act on its mounts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { mountByDaemon } from '../../../src/mount/daemon/client.ts';
import { Daemon } from '../../../src/mount/daemon/daemon.ts';
import { MAX_LINE } from '../../../src/mount/daemon/message-line.ts';
import { type Image, type MountOptions, openImage } from '../../../src/mount/mount.ts';
import { unmountAt } from '../../../src/mount/unmount.ts';
import { describeWith } from '../../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from '../stratafs.ts';

const image = fixture('expressweb.tar');
const version = '1';

interface Running {
  readonly place: Workplace;
  readonly daemon: Daemon;
  /** Mounts on the directory `name`, which is made. */
  readonly mount: (name: string, options?: MountOptions, source?: string | Image) => Promise<void>;
  /** Sends `bytes`, and returns what comes until the daemon closes the connection. */
  readonly send: (bytes: string) => Promise<string>;
}

function withDaemon(body: (running: Running) => Promise<void>): Promise<void> {
  return withWorkplace(async (place) => {
    const socket = place.path('run/daemon.sock');
    const daemon = await Daemon.start({ socket, cacheSize: 64 << 20, version });
    try {
      await body({
        place,
        daemon,
        mount: async (name, options = {}, source = image) => {
          mkdirSync(place.path(name), { recursive: true });
          const cacheDirectory = place.path('cache/stratafs');
          await mountByDaemon(socket, source, place.path(name), { cacheDirectory, ...options }, version);
        },
        send: async (bytes) => {
          const connection = connect(socket);
          let answer = '';
          connection.setEncoding('utf8').on('data', (text: string) => (answer += text));
          connection.on('error', () => undefined); // EPIPE: it has closed the connection before all was sent
          connection.write(bytes);
          await once(connection, 'close');
          return answer;
        },
      });
    } finally {
      await daemon.end({ lazy: true });
      await daemon.closed;
    }
  });
}

const status = async ({ send }: Running): Promise<Record<string, number>> =>
  JSON.parse(await send('{"op":"status"}\n')) as Record<string, number>;

describeWith(['fuse'], 'a daemon', () => {
  it('serves an image many times, with each layer and the tree once', () =>
    withDaemon(async (running) => {
      const { place, mount } = running;
      for (const name of ['a', 'b', 'c']) await mount(name);
      const { mounts, layers, trees } = await status(running);
      expect({ mounts, trees }).toEqual({ mounts: 3, trees: 1 });
      await unmountAt(place.path('b'), 'when-free');
      expect(await status(running)).toMatchObject({ mounts: 2, layers, trees: 1 });
      expect((await run('ls', [place.path('a'), place.path('c')])).stdout.match(/usr/g)).toHaveLength(2);
      for (const name of ['a', 'c']) await unmountAt(place.path(name), 'when-free');
      expect(await status(running)).toMatchObject({ mounts: 0, layers: 0, trees: 0 });
    }));

  it('goes on where a mount fails, and says why', () =>
    withDaemon(async ({ place, mount }) => {
      await mount('a');
      await expect(mount('b', {}, place.path('missing.tar'))).rejects.toThrow('missing.tar');
      await expect(mount('a')).rejects.toThrow('already a stratafs mount');
      rmSync(place.path('b'), { recursive: true });
      writeFileSync(place.path('b'), '');
      await expect(
        mountByDaemon(place.path('run/daemon.sock'), image, place.path('b'), {}, version),
      ).rejects.toThrow('expected a directory');
      expect((await run('ls', [place.path('a')])).stdout).toContain('usr');
    }));

  it('serves a copy of what came through a pipe', () =>
    withDaemon(async ({ place, mount }) => {
      const piped = await openImage(image);
      const copy = piped.layers.map((layer) =>
        layer.kind === 'blob' ? { ...layer, blob: { ...layer.blob, isCopy: true } } : layer,
      );
      await mount('a', {}, { ...piped, layers: copy });
      expect((await run('ls', [place.path('a')])).stdout).toContain('usr');
    }));

  it('takes writes', () =>
    withDaemon(async ({ place, mount }) => {
      mkdirSync(place.path('upper'));
      await mount('a', { upper: { directory: place.path('upper') } });
      await mount('b');
      await run('sh', ['-c', `echo written >${place.path('a/new')}`]);
      expect((await run('cat', [place.path('upper/new')])).stdout).toBe('written\n');
      expect((await run('ls', [place.path('b')])).stdout).not.toContain('new');
      await unmountAt(place.path('a'), 'when-free');
      await mount('a', { upper: { directory: place.path('upper') } });
    }));

  it('refuses what would make it wait for itself', () =>
    withDaemon(async ({ place, mount }) => {
      await mount('a');
      const within = place.path('a/usr');
      await expect(mountByDaemon(place.path('run/daemon.sock'), image, within, {}, version)).rejects.toThrow(
        'which would wait for itself',
      );
      await expect(mount('b', { upper: { directory: within } })).rejects.toThrow(
        'which would wait for itself',
      );
    }));

  it('refuses that also while the other is being mounted', () =>
    withDaemon(async ({ place, mount }) => {
      mkdirSync(place.path('a/upper'), { recursive: true });
      const [outer, inner] = await Promise.allSettled([
        mount('a'),
        mount('b', { upper: { directory: place.path('a/upper') } }),
      ]);
      expect(outer.status).toBe('fulfilled');
      if (inner.status === 'rejected') expect(String(inner.reason)).toContain('which would wait for itself');
      await mount('c');
    }));

  it('refuses a path that a symlink of its own mount leads out of it', () =>
    withDaemon(async ({ place, mount }) => {
      for (const name of ['upper', 'outside']) mkdirSync(place.path(name));
      await mount('a', { upper: { directory: place.path('upper') } });
      await run('ln', ['-s', place.path('outside'), place.path('a/out')]);
      await expect(mount('b', { upper: { directory: place.path('a/out') } })).rejects.toThrow(
        'which would wait for itself',
      );
    }));

  it.each<[string, MountOptions, string]>([
    ['another driver', { driver: 'erofs' }, 'driver=erofs'],
    ['a cache of its own', { cacheSize: 1 }, 'cache-size'],
    ['bytes that nobody verified', { verify: 'never' }, 'no-verify'],
    ['no saved indexes', { useIndexCache: false }, 'no-index-cache'],
  ])('refuses %s', (_what, options, message) =>
    withDaemon(async ({ mount }) => {
      await expect(mount('a', options)).rejects.toThrow(message);
    }),
  );

  it('refuses a client of another version', () =>
    withDaemon(async ({ place, mount }) => {
      await mount('a');
      mkdirSync(place.path('b'));
      await expect(
        mountByDaemon(place.path('run/daemon.sock'), image, place.path('b'), {}, '2'),
      ).rejects.toThrow('the daemon is of version 1, expected 2');
    }));

  it.each<[string, string, string]>([
    ['text', 'hello\n', 'not a JSON object'],
    ['a list', '[]\n', 'not a JSON object'],
    ['an unknown request', '{"op":"format"}\n', 'expected mount, wait or status'],
    ['no request', '{}\n', 'expected mount, wait or status'],
    ['a mount without fields', '{"op":"mount"}\n', 'mount.version'],
    ['an unknown field', '{"op":"mount","shell":"sh"}\n', 'mount.shell'],
    ['a relative path', '{"op":"wait","mountpoint":"mnt"}\n', 'an absolute path'],
    ['a line without end', 'x'.repeat(MAX_LINE + 1), 'more than'],
    ['two requests', '{"op":"wait","mountpoint":"/x"}\n{"op":"status"}\n', ''],
  ])('survives %s', (_what, bytes, message) =>
    withDaemon(async (running) => {
      expect(await running.send(bytes)).toContain(message);
      expect(await status(running)).toMatchObject({ mounts: 0 });
    }),
  );

  it('is the only one of its socket, which nobody else can reach', () =>
    withDaemon(async ({ place, daemon }) => {
      const options = { socket: place.path('run/daemon.sock'), cacheSize: 1 << 20, version };
      await expect(Daemon.start(options)).rejects.toThrow('another daemon serves this socket');
      expect(statSync(daemon.socket).mode & 0o777).toBe(0o600);
      expect(statSync(place.path('run')).mode & 0o777).toBe(0o700);
      mkdirSync(place.path('open'), { mode: 0o755 });
      await expect(Daemon.start({ ...options, socket: place.path('open/daemon.sock') })).rejects.toThrow(
        'expected 0700',
      );
    }));

  it('takes the socket of a daemon that was killed', () =>
    withDaemon(async ({ place }) => {
      const socket = place.path('other/daemon.sock');
      mkdirSync(place.path('other'), { mode: 0o700 });
      const dead = spawn(process.execPath, [
        '-e',
        `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
      ]);
      await once(dead, 'close');
      const daemon = await Daemon.start({ socket, cacheSize: 1 << 20, version });
      await daemon.end();
      await daemon.closed;
    }));

  it('keeps a busy mount when it is to end, and says who uses it', () =>
    withDaemon(async ({ place, daemon, mount }) => {
      await mount('free');
      await mount('busy');
      const holder = spawn('sleep', ['1000'], { cwd: place.path('busy') });
      try {
        await once(holder, 'spawn');
        while (readlinkSync(`/proc/${holder.pid ?? 0}/cwd`) !== place.path('busy'));
        const failures = await daemon.end();
        expect(failures.map(({ message }) => message)).toEqual([
          expect.stringContaining('is busy: sleep (pid'),
        ]);
        expect(daemon.mountpoints).toEqual([place.path('busy')]);
        await expect(mount('late')).rejects.toThrow('the daemon is ending');
      } finally {
        holder.kill();
        await once(holder, 'close');
      }
    }));
});

describeWith(['fuse', 'root'], 'another user', () => {
  it('gets no answer, even through a socket that lets it in', () =>
    withDaemon(async ({ place, daemon }) => {
      chmodSync(place.directory, 0o755);
      chmodSync(place.path('run'), 0o755);
      chmodSync(daemon.socket, 0o666);
      const script = `const c = require('net').connect(${JSON.stringify(daemon.socket)});
        c.on('error', () => {}).on('data', (d) => process.stdout.write(d)).on('close', () => console.log('closed'));
        c.write('{"op":"status"}\\n');`;
      const { stdout, stderr } = await run('setpriv', [
        ...['--reuid=65534', '--regid=65534', '--clear-groups'],
        ...[process.execPath, '-e', script],
      ]);
      expect({ stdout, stderr }).toEqual({ stdout: 'closed\n', stderr: '' });
    }));
});

it('a socket of a daemon that does not run is an error that says what to do', () =>
  withWorkplace(async (place) => {
    await expect(
      mountByDaemon(place.path('run/daemon.sock'), image, place.mountpoint, {}, version),
    ).rejects.toThrow('"stratafs serve" starts one');
  }));
