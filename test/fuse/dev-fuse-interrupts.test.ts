// Signals and aborts on a real kernel while a change is under way.
import { spawn } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { EINTR } from '../../src/vfs/errno.ts';
import type { Call } from '../../src/vfs/operation.ts';
import { describeWith } from '../requirements.ts';
import { shell, withMount } from './mounted.ts';
import { WritableTestFileSystem } from './writable-file-system.ts';

/** A file system whose mkdir lasts until it is interrupted, and then does nothing; and the first of its Calls. */
function makeSlow(): { fileSystem: WritableTestFileSystem; caller: Promise<Call> } {
  const fileSystem = new WritableTestFileSystem();
  const caller = new Promise<Call>((resolve) => {
    fileSystem.mkdir = async (_parent, _name, _inode, call) => {
      resolve(call);
      while (!call.isInterrupted) await nextTurn();
      return -EINTR;
    };
  });
  return { fileSystem, caller };
}

describeWith(['fuse'], 'a change under way', () => {
  it('ends when a signal kills the caller', async () => {
    const { fileSystem, caller } = makeSlow();
    await withMount(fileSystem, async (mountpoint, mount) => {
      const maker = spawn('mkdir', [`${mountpoint}/d`]);
      const gone = new Promise((resolve) => maker.on('exit', (_code, signal) => resolve(signal)));
      await caller;
      maker.kill('SIGKILL');
      expect(await gone).toBe('SIGKILL');
      expect(mount.statistics().requests['INTERRUPT']).toBe(1);
      expect(await shell('cd "$1" && echo 1 > f && ls', mountpoint)).toBe('f\n');
    });
  });

  it('reports to the caller that a signal has ended it', async () => {
    const { fileSystem, caller } = makeSlow();
    await withMount(fileSystem, async (mountpoint) => {
      const script = `
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit('notified'))
os.mkdir(sys.argv[1] + '/d')`;
      const maker = spawn('python3', ['-c', script, mountpoint], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      maker.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const gone = new Promise((resolve) => maker.on('close', resolve));
      await caller;
      maker.kill('SIGUSR1');
      await gone;
      expect(said).toBe('notified\n');
    });
  });
});

describeWith(['fuse', 'root'], 'a change under way when the connection is aborted', () => {
  it('gets the notice to stop, and has ended before the file system is closed', async () => {
    const { fileSystem, caller } = makeSlow();
    let call: Call | undefined;
    const closed: (boolean | undefined)[] = [];
    const close = fileSystem.close.bind(fileSystem);
    fileSystem.close = () => {
      closed.push(call?.isInterrupted);
      close();
    };
    await withMount(fileSystem, async (mountpoint, mount) => {
      const maker = spawn('mkdir', [`${mountpoint}/d`], { stdio: 'ignore' });
      const gone = new Promise((resolve) => maker.on('exit', resolve));
      call = await caller;
      await shell('umount -f "$1" 2>/dev/null || true', mountpoint);
      await mount.closed;
      expect(closed).toEqual([true]);
      await gone;
      await shell('umount "$1" 2>/dev/null || true', mountpoint);
    });
  });
});
