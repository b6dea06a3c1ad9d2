// stratafs unmount: ends a mount, and waits until nothing of it is left.
import { Command } from 'commander';
import { locateMountPoint, unmountAt } from '../mount.ts';

const help = `
A busy mount stays, and who keeps it busy is told. umount(8) and "fusermount3 -u" end a mount as well.

Examples:
  stratafs unmount /mnt
  stratafs unmount --lazy /mnt     detach now, end when nobody uses it any more`;

export function unmountCommand(): Command {
  return new Command('unmount')
    .description('Unmounts what stratafs mounted on DIR, and waits until the daemon has ended.')
    .argument('<dir>', 'the mount point')
    .option('-l, --lazy', 'detach at once, even where it is busy; wait for nobody')
    .addHelpText('after', help)
    .action(async (directory: string, { lazy = false }: { lazy?: boolean }) => {
      await unmountAt(await locateMountPoint(directory), lazy ? 'lazy' : 'when-free');
    });
}
