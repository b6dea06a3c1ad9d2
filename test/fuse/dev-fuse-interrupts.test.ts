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
function makeSlow(): { fileSystem: WritableTestFileSystem; asked: Promise<Call> } {
  const fileSystem = new WritableTestFileSystem();
  const asked = new Promise<Call>((resolve) => {
    fileSystem.mkdir = async (_parent, _name, _inode, call) => {
      resolve(call);
      while (!call.isInterrupted) await nextTurn();
      return -EINTR;
    };
  });
  return { fileSystem, asked };
}

describeWith(['fuse'], 'a change under way', () => {
  it('ends when a signal kills who asked for it', async () => {
    const { fileSystem, asked } = makeSlow();
    await withMount(fileSystem, async (mountpoint, mount) => {
      const maker = spawn('mkdir', [`${mountpoint}/d`]);
      const gone = new Promise((resolve) => maker.on('exit', (_code, signal) => resolve(signal)));
      await asked;
      maker.kill('SIGKILL');
      expect(await gone).toBe('SIGKILL');
      expect(mount.statistics().requests['INTERRUPT']).toBe(1);
      expect(await shell('cd "$1" && echo 1 > f && ls', mountpoint)).toBe('f\n');
    });
  });

  it('tells who asked for it that a signal has ended it', async () => {
    const { fileSystem, asked } = makeSlow();
    await withMount(fileSystem, async (mountpoint) => {
      const script = `
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit('told'))
os.mkdir(sys.argv[1] + '/d')`;
      const maker = spawn('python3', ['-c', script, mountpoint], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      maker.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const gone = new Promise((resolve) => maker.on('close', resolve));
      await asked;
      maker.kill('SIGUSR1');
      await gone;
      expect(said).toBe('told\n');
    });
  });
});

describeWith(['fuse', 'root'], 'a change under way when the connection is aborted', () => {
  it('is told to stop, and has ended before the file system is closed', async () => {
    const { fileSystem, asked } = makeSlow();
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
      call = await asked;
      await shell('umount -f "$1" 2>/dev/null || true', mountpoint);
      await mount.closed;
      expect(closed).toEqual([true]);
      await gone;
      await shell('umount "$1" 2>/dev/null || true', mountpoint);
    });
  });
});
