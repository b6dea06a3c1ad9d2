// stratafs unmount: unmounts, and waits until the daemons have ended.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  type UnmountOptions,
  findHeldMounts,
  isOwnMount,
  listMountTable,
  unmount,
} from '../../library/mounts.ts';
import { forEachMount, understandPlaces } from './each-mount.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
A busy mount is not unmounted; the processes that use it are listed. umount(8) and "fusermount3 -u" also end a mount. If
another process has the mount in its own mount namespace, the mount is removed here, that process is reported, and the
daemon continues; --force ends it. If several mount points are args, a failure does not stop the others.

Examples:
  stratafs unmount /mnt
  stratafs unmount a b c
  stratafs unmount --all           all mounts of this user
  stratafs unmount --lazy /mnt     detach now, end when it is unused
  stratafs unmount --force /mnt    end now; open files fail`;

interface UnmountArguments {
  readonly all?: true;
  readonly lazy?: true;
  readonly force?: true;
}

export function unmountCommand(): CliCommand {
  return {
    syntax: new Command('unmount')
      .description('Unmount stratafs mounts and wait until their daemons have exited.')
      .argument('[mountpoint...]', 'where the mounts are')
      .option('-a, --all', 'unmount all stratafs mounts of this user')
      .option('-l, --lazy', 'detach at once, even if busy; do not wait')
      .option('-f, --force', 'end the mount even if it is busy or used in another mount namespace')
      .addHelpText('after', help),
    run: async (directories: readonly string[], args: UnmountArguments) => {
      const how = understandHow(directories, args);
      const places = args.all === true ? await ownMounts(how) : directories;
      await forEachMount(places, (place) => unmount(place, how));
      return { text: '' };
    },
  };
}

/** Throws UsageError if the arguments contradict each other. */
function understandHow(
  directories: readonly string[],
  { all, lazy, force }: UnmountArguments,
): UnmountOptions {
  understandPlaces('unmount', directories, all);
  if (lazy === true && force === true) {
    throw new UsageError('unmount: found --lazy and --force, expected only one of them');
  }
  return { lazy, force };
}

/** The mount points of this user's mounts, nested ones first; with `force` also those that only other namespaces hold. */
async function ownMounts({ force }: UnmountOptions): Promise<string[]> {
  const held = force === true ? (await findHeldMounts()).map(({ entry }) => entry) : [];
  return [...(await listMountTable()), ...held]
    .filter(isOwnMount)
    .map(({ mountPoint }) => mountPoint)
    .reverse();
}
