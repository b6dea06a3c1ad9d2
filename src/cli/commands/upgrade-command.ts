// stratafs upgrade: has another daemon go on with mounts that are in use.
import { Command } from 'commander';
import { upgrade } from '../../library/mounts.ts';
import type { CliCommand } from '../command-result.ts';

const help = `
The daemon ends, and another one of the installed version goes on with the mount. Open files stay open; reads wait meanwhile. It
works for mounts that survive their daemon: read-only, in the background, on Linux 6.9 or later. If the installed version
numbers files differently, the mount is left alone: unmount it, and mount it again.

Examples:
  npm install -g stratafs && stratafs upgrade /mnt`;

export function upgradeCommand(): CliCommand {
  return {
    syntax: new Command('upgrade')
      .description('Replace the daemons of mounts by new ones, while the mounts are used.')
      .argument('<mountpoint...>', 'where the mounts are')
      .addHelpText('after', help),
    run: async (directories: readonly string[]) => {
      for (const directory of directories) await upgrade(directory);
      return { text: '' };
    },
  };
}
