// The end of a FUSE connection, seen from beside.
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DeviceWatch } from '../../src/sys/device-watch.ts';
import { MNT_DETACH, mount, unmount } from '../../src/sys/mount-calls.ts';
import { EBADF } from '../../src/vfs/errno.ts';
import { describeWith } from '../requirements.ts';

const isBlocking = (fd: number): boolean => {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (parseInt(flags, 8) & constants.O_NONBLOCK) === 0;
};

describeWith(['fuse', 'root'], 'DeviceWatch', () => {
  it('reports once that a connection has ended, and leaves its device open and blocking', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stratafs-watch-'));
    const device = openSync('/dev/fuse', 'r+');
    const options = `fd=${device},rootmode=40000,user_id=0,group_id=0`;
    expect(mount('test', directory, 'fuse', 0, options)).toBe(0);
    try {
      const events: string[] = [];
      const ended = new Promise<void>((resolve) => {
        const watch = new DeviceWatch(device, () => {
          events.push('ended');
          resolve();
        });
        expect(watch.start()).toBe(0);
      });
      expect(isBlocking(device)).toBe(true);
      events.push('unmounting');
      expect(await unmount(directory, MNT_DETACH)).toBe(0);
      await ended;
      expect(events).toEqual(['unmounting', 'ended']);
    } finally {
      // EINVAL if it is gone, as it should be.
      await unmount(directory, MNT_DETACH);
      closeSync(device);
      rmdirSync(directory);
    }
  });

  it('reports nothing after close, and the errno of a bad descriptor', () => {
    const device = openSync('/dev/null', 'r');
    const watch = new DeviceWatch(device, () => expect.fail('onEnd was called'));
    watch.close();
    closeSync(device);
    expect(new DeviceWatch(device, () => undefined).start()).toBe(-EBADF);
  });
});
