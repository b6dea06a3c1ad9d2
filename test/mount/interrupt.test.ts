// A mount that is given up before it answers leaves nothing: no mount, no process, no half-written file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openProcess, waitForExit } from '../../src/sys/process-calls.ts';
import { describeWith } from '../requirements.ts';
import { daemonOf, ENDING_MS } from './processes.ts';
import { COMMAND, fixture, run, withWorkplace } from './stratafs.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** What a process has open; nothing where it has ended. */
function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).map((fd) => readlinkSync(join(directory, fd)));
  } catch {
    return []; // ENOENT: closed while we looked
  }
}

describeWith(['fuse'], 'a mount that is given up', () => {
  it.each([
    ['SIGINT', [null, 'SIGINT']],
    ['SIGTERM', [null, 'SIGTERM']],
    ['SIGKILL', [null, 'SIGKILL']],
  ] as const)('by %s leaves nothing', (signal, end) =>
    withWorkplace(async (place) => {
      const command = spawn(process.execPath, [COMMAND, 'mount', fixture('expressweb.tar'), 'mnt'], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const closed = once(command, 'close');
      let stderr = '';
      command.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const daemon = await daemonOf(command.pid as number);
      const descriptor = openProcess(daemon);
      try {
        command.kill(signal);
        expect(await closed).toEqual(end);
        expect(stderr).toBe('');
        expect(await waitForExit(descriptor, ENDING_MS)).toBe(0);
      } finally {
        closeSync(descriptor);
      }
      expect(place.mounted()).toEqual([]);
      expect(place.drafts()).toEqual([]);
    }),
  );

  // The daemon may be interrupted before or after the mount answers its first request. Both are likely to happen here.
  it.each([1, 2, 3])(
    'just after it appeared in the mount table leaves nothing, or a working mount (%i)',
    () =>
      withWorkplace(async (place) => {
        const command = spawn(process.execPath, [COMMAND, 'mount', fixture('expressweb.tar'), 'mnt'], {
          cwd: place.directory,
          env: place.environment,
          stdio: 'ignore',
        });
        // The command may end before the mount table is read again.
        const closed = once(command, 'close');
        const daemon = await daemonOf(command.pid as number);
        const descriptor = openProcess(daemon);
        try {
          while (place.mounted().length === 0) await nextTurn();
          command.kill('SIGTERM');
          await closed;
          // Either the mount was given up, or the command had finished: then it is a mount like any other.
          if (place.mounted().length > 0) await place.stratafs(['unmount', place.mountpoint]);
          expect(await waitForExit(descriptor, ENDING_MS)).toBe(0);
        } finally {
          closeSync(descriptor);
        }
        expect(place.mounted()).toEqual([]);
      }),
  );

  it.each([[['mount', '-f']], [['index']]])('%j in front dies of its signal, and leaves nothing', (args) =>
    withWorkplace(async (place) => {
      // Zeros: small to store, and long enough to read that the signal comes before the end.
      const zeros = 'tar -cf - zeros | gzip -1 >zeros.tar.gz';
      await run('sh', ['-c', `truncate -s 256M zeros && ${zeros} && rm zeros`], { cwd: place.directory });
      const rest = args[0] === 'mount' ? ['zeros.tar.gz', 'mnt'] : ['zeros.tar.gz'];
      const command = spawn(process.execPath, [COMMAND, ...args, ...rest], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      // Its own handler is there once it has opened what it reads.
      while (!descriptorsOf(command.pid as number).includes(place.path('zeros.tar.gz'))) await nextTurn();
      command.kill('SIGTERM');
      expect(await once(command, 'close')).toEqual([null, 'SIGTERM']);
      expect(place.mounted()).toEqual([]);
      expect(place.drafts()).toEqual([]);
    }),
  );
});
