// Several mounts that start at the same time on one mount point: exactly one succeeds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { lockNameOf } from '../../src/fuse/mounts/mount-point-lock.ts';
import { describeWith } from '../requirements.ts';
import { fixture, withWorkplace } from './stratafs.ts';

const ROUNDS = 8;
const image = fixture('expressweb.tar');

/** Another process, of `user`, that holds the lock of a mount point until it is killed. */
async function holdLock(mountpoint: string, user: number): Promise<ChildProcess> {
  const script = `
import os, socket, sys
os.setuid(int(sys.argv[2]))
holder = socket.socket(socket.AF_UNIX)
holder.bind("\\0" + sys.argv[1])
holder.listen()
print("held", flush=True)
sys.stdin.read()`;
  const args = ['-c', script, lockNameOf(mountpoint), String(user)];
  const holder = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  return holder;
}

async function kill(holder: ChildProcess): Promise<void> {
  const ended = once(holder, 'close');
  holder.kill('SIGKILL');
  await ended;
}

describeWith(['fuse', 'root', { program: 'python3' }], 'one mount point', () => {
  it('one of two simultaneous mounts succeeds, and the other fails with one line', () =>
    withWorkplace(async (place) => {
      await place.stratafs(['index', image]);
      for (let round = 0; round < ROUNDS; round++) {
        const both = [1, 2].map(() => place.stratafs(['mount', image, 'mnt']));
        const [winner, loser] = (await Promise.all(both)).sort((a, b) => a.status - b.status);
        expect(winner).toEqual({ status: 0, stdout: '', stderr: '' });
        expect(loser).toMatchObject({ status: 1, stdout: '' });
        expect(loser?.stderr).toMatch(
          /^stratafs: \S+\/mnt: (another stratafs \(pid \d+\) is mounting there|already a stratafs mount of \S+)\n$/,
        );
        expect(place.mounted()).toEqual([place.mountpoint]);
        await place.unmount();
      }
    }));

  it('the lock ends when its process is killed, and other users cannot hold it', () =>
    withWorkplace(async (place) => {
      const killed = await holdLock(place.mountpoint, 0);
      expect((await place.stratafs(['mount', image, 'mnt'])).stderr).toBe(
        `stratafs: ${place.mountpoint}: another stratafs (pid ${killed.pid ?? 0}) is mounting there\n`,
      );
      await kill(killed);
      await place.mount(image);
      await place.unmount();

      const stranger = await holdLock(place.mountpoint, 65534);
      try {
        await place.mount(image);
        await place.unmount();
      } finally {
        await kill(stranger);
      }
    }));
});
