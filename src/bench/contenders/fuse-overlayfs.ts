// fuse-overlayfs over unpacked layers.
import type { Contender, UpperPlace } from '../contender.ts';
import { isInstalled, mountByProgram } from '../mounting.ts';

export const fuseOverlayfs: Contender = {
  name: 'fuse-overlayfs',
  summary: 'fuse-overlayfs over unpacked layers',
  serves: ['metadata', 'content', 'changes'],
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
    return {
      mount: (place: string, upper?: UpperPlace) => {
        const lower = `lowerdir=${names.join(':')}`;
        const options =
          upper === undefined ? lower : `${lower},upperdir=${upper.upper},workdir=${upper.work}`;
        const argv = ['fuse-overlayfs', '-o', options, place];
        return mountByProgram(processes, argv, place, { cwd: directory, daemon: true });
      },
    };
  },
};
