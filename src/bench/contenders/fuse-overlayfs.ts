// fuse-overlayfs over unpacked layers.
import type { Contender } from '../contender.ts';
import { isInstalled, mountedByCommand } from '../mounting.ts';

export const fuseOverlayfs: Contender = {
  name: 'fuse-overlayfs',
  summary: 'fuse-overlayfs over unpacked layers',
  serves: ['metadata', 'content', 'changes', 'mounts'],
  lack: () =>
    Promise.resolve(
      isInstalled('fuse-overlayfs')
        ? undefined
        : { reason: 'is not installed', remedy: 'apt install fuse-overlayfs' },
    ),
  version: async ({ processes }) => {
    const said = (await processes.run(['fuse-overlayfs', '--version'])).toString();
    return /^fuse-overlayfs: version (\S+)/m.exec(said)?.[1];
  },
  prepare: async ({ processes }, stack) => {
    const { directory, names } = await stack.unpacked();
    return mountedByCommand(processes, (place, upper) => {
      const lower = `lowerdir=${names.join(':')}`;
      const options = upper === undefined ? lower : `${lower},upperdir=${upper.upper},workdir=${upper.work}`;
      return { argv: ['fuse-overlayfs', '-o', options, place], cwd: directory, hasDaemon: true };
    });
  },
};
