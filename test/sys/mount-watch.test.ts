import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, it, vi } from 'vitest';
import { untilUnmounted } from '../../src/sys/mount-watch.ts';
import { describeWith } from '../requirements.ts';

let directory: string;
let beforeWatching: () => void = () => undefined;

vi.mock(import('../../src/sys/device-watch.ts'), async (importOriginal) => {
  const { DeviceWatch } = await importOriginal();
  return {
    DeviceWatch: class extends DeviceWatch {
      override start(): number {
        beforeWatching();
        return super.start();
      }
    },
  };
});

function deviceOf(path: string): string {
  const { dev } = statSync(path);
  return `${Math.floor(dev / 256)}:${dev % 256}`;
}

describeWith(['root'], 'the end of a mount', () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'stratafs-watch-'));
    execFileSync('mount', ['-t', 'tmpfs', 'none', directory]);
  });
  afterEach(() => rmdirSync(directory));

  it('is noticed between the opening of the table and the watch', async () => {
    beforeWatching = () => execFileSync('umount', [directory]);
    try {
      await untilUnmounted(deviceOf(directory));
    } finally {
      beforeWatching = () => undefined;
    }
  });

  it('is noticed before the event loop has begun to wait for it', async () => {
    const unmounted = untilUnmounted(deviceOf(directory));
    execFileSync('umount', [directory]);
    await unmounted;
  });

  it('is noticed later, and after other changes of the table', async () => {
    const unmounted = untilUnmounted(deviceOf(directory));
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      execFileSync('mount', ['--bind', directory, directory]);
      await new Promise((resolve) => setImmediate(resolve));
      execFileSync('umount', [directory]);
    }
    execFileSync('umount', [directory]);
    await unmounted;
  });

  it('is noticed if it is over', async () => {
    const device = deviceOf(directory);
    execFileSync('umount', [directory]);
    await untilUnmounted(device);
  });
});
