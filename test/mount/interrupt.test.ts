// A mount that is given up before it answers leaves nothing: no mount, no process, no half-written file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openProcess, waitForExit } from '../../src/sys/process-calls.ts';
import { describeWith } from '../requirements.ts';
import { COMMAND, fixture, withWorkplace } from './stratafs.ts';

/** The process that `parent` started, once it has. */
async function childOf(parent: number): Promise<number> {
  for (;;) {
    const text = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
    if (text !== '') return Number(text.split(' ')[0]);
    await new Promise((resolve) => setImmediate(resolve));
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
      const daemon = await childOf(command.pid as number);
      const descriptor = openProcess(daemon);
      try {
        command.kill(signal);
        expect(await closed).toEqual(end);
        expect(stderr).toBe('');
        expect(await waitForExit(descriptor, 30_000)).toBe(0);
      } finally {
        closeSync(descriptor);
      }
      expect(place.mounted()).toEqual([]);
      const cache = place.path('cache');
      const files = existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : [];
      expect(files.filter((name) => name.endsWith('.draft'))).toEqual([]);
    }),
  );
});
