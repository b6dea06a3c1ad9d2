// The kernel's overlayfs over unpacked layers.
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import type { Contender } from '../contender.ts';
import { mountedByCommand } from '../mounting.ts';

export const overlayfs: Contender = {
  name: 'overlayfs',
  summary: "the kernel's overlayfs over unpacked layers",
  serves: ['metadata', 'content', 'changes', 'mounts'],
  lack: async () => {
    if (process.geteuid?.() !== 0)
      return { reason: 'only root can mount it', remedy: 'run the bench as root' };
    return (await isKnown())
      ? undefined
      : { reason: 'this kernel has no overlayfs', remedy: 'modprobe overlay' };
  },
  version: () => Promise.resolve(`Linux ${release()}`),
  prepare: async ({ processes, scratch }, stack) => {
    const { directory, names } = await stack.unpacked();
    // The kernel rejects a single layer, so an empty one is added below it.
    const lowers = names.length > 1 ? names : [...names, await scratch.fresh('nothing')];
    return mountedByCommand(processes, (place, upper) => {
      const lower = `lowerdir=${(upper === undefined ? lowers : names).join(':')}`;
      const options =
        upper === undefined ? `ro,${lower}` : `${lower},upperdir=${upper.upper},workdir=${upper.work}`;
      const argv = ['mount', '-t', 'overlay', 'overlay', '-o', options, place];
      return { argv, cwd: directory, hasDaemon: false };
    });
  },
};

/** True if overlayfs is built into the kernel or its module is loaded. mount(2) may not be able to load it. */
async function isKnown(): Promise<boolean> {
  return /^nodev\toverlay$/m.test(await readFile('/proc/filesystems', 'utf8'));
}
