// stratafs upgrade: has other daemons go on with mounts that are in use.
import { Command } from 'commander';
import { isOwnMount, listMountTable, listMounts, upgrade } from '../../library/mounts.ts';
import type { CliCommand } from '../command-result.ts';
import { forEachMount, understandPlaces } from './each-mount.ts';

const help = `
The daemon answers what it has begun, and ends; another one of the installed version continues. Open files stay open, and reads
wait meanwhile. It works for mounts that survive their daemon: read-only, in the background, on Linux 6.9 or later. If the
installed version numbers files differently, the mount is left alone: unmount it, and mount it again.

Examples:
  npm install -g stratafs && stratafs upgrade /mnt
  stratafs upgrade --all    all mounts of this user that survive their daemon`;

interface UpgradeArguments {
  readonly all?: true;
}

export function upgradeCommand(): CliCommand {
  return {
    syntax: new Command('upgrade')
      .description('Replace the daemons of mounts by new ones, while the mounts are used.')
      .argument('[mountpoint...]', 'where the mounts are')
      .option('-a, --all', 'replace the daemons of all mounts of this user that survive it')
      .addHelpText('after', help),
    run: async (directories: readonly string[], { all }: UpgradeArguments) => {
      understandPlaces('upgrade', directories, all);
      await forEachMount(all === true ? await keptMounts() : directories, upgrade);
      return { text: '' };
    },
  };
}

/** The mount points of this user's mounts that have a keeper. */
async function keptMounts(): Promise<string[]> {
  const own = new Set((await listMountTable()).filter(isOwnMount).map(({ mountPoint }) => mountPoint));
  return (await listMounts())
    .filter(
      ({ keeper, state, mountpoint }) => keeper !== undefined && state === 'mounted' && own.has(mountpoint),
    )
    .map(({ mountpoint }) => mountpoint);
}
