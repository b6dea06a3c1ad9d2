// A mount or umount that others are in the way of: the oracle's sides wait for them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { OWN_NAMESPACE } from '../mount/own-namespace.ts';
import { type Workplace, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';

const script = fileURLToPath(new URL('insist.py', import.meta.url));

/** A process that has started, and ends when its stdin does. */
async function start(program: string, args: string[], cwd: string): Promise<ChildProcess> {
  const holder = spawn(program, [...args, 'sh', '-c', 'echo started; exec cat'], { cwd });
  await once(createInterface(holder.stdout), 'line');
  return holder;
}

/** Runs it, ends `holder` once it waits for that, and answers its exit status. */
async function insist(holder: ChildProcess, ...command: string[]): Promise<unknown> {
  const insisting = spawn('python3', [script, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(insisting, 'exit');
  const [line] = (await once(createInterface(insisting.stderr), 'line')) as [string];
  expect(line.split(' ')).toContain(String(holder.pid));
  holder.stdin?.end();
  return (await ended)[0];
}

async function mountOverlay(place: Workplace): Promise<string[]> {
  for (const name of ['low', 'up', 'work']) mkdirSync(place.path(name));
  const directories = `lowerdir=${place.path('low')},upperdir=${place.path('up')},workdir=${place.path('work')}`;
  const mount = ['mount', '-t', 'overlay', 'overlay', '-o', `index=on,${directories}`, place.mountpoint];
  expect((await run('mount', mount.slice(1))).status).toBe(0);
  return mount;
}

describeWith(
  ['root', ...['python3', 'unshare', 'findmnt'].map((program) => ({ program }))],
  'insist.py',
  () => {
    it('unmounts once who works there has ended', () =>
      withWorkplace(async (place) => {
        await mountOverlay(place);
        const holder = await start('env', [], place.mountpoint);
        expect(await insist(holder, 'umount', place.mountpoint)).toBe(0);
        expect(place.mounted()).toEqual([]);
      }));

    it('mounts once the namespace has ended that has the upper directory in use', () =>
      withWorkplace(async (place) => {
        const mount = await mountOverlay(place);
        const holder = await start('unshare', [...OWN_NAMESPACE], place.directory);
        expect((await run('umount', [place.mountpoint])).status).toBe(0);
        expect(await insist(holder, ...mount)).toBe(0);
        expect(place.mounted()).toEqual([place.mountpoint]);
        expect((await run('umount', [place.mountpoint])).status).toBe(0);
      }));

    it('fails at once where nobody is in the way', async () => {
      const { status, stderr } = await run('python3', [script, 'umount', '/nowhere']);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/\/nowhere/);
    });
  },
);
