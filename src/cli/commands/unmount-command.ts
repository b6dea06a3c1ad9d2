// stratafs unmount: unmounts, and waits until the daemons have ended.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  SilentMountError,
  type UnmountOptions,
  findHeldMounts,
  isOwnMount,
  listMountTable,
  unmount,
} from '../../library/mounts.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { TerminalReport } from '../output/report.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
A busy mount is not unmounted; the processes that use it are listed. umount(8) and "fusermount3 -u" also end a mount. If
another process has the mount in its own mount namespace, the mount is removed here, that process is reported, and the
daemon continues; --force ends it. With several mount points, a failure does not stop the others.

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
      await unmountEach(places, how);
      return { text: '' };
    },
  };
}

/** Throws UsageError if the arguments contradict each other. */
function understandHow(
  directories: readonly string[],
  { all, lazy, force }: UnmountArguments,
): UnmountOptions {
  if (all !== true && directories.length === 0)
    throw new UsageError('unmount: missing argument: MOUNTPOINT or --all');
  if (all === true && directories.length > 0) {
    throw new UsageError('unmount: found --all and a mount point, expected only one of them');
  }
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

/** Tries all mounts. Prints all failures except the last, and throws that. */
async function unmountEach(places: readonly string[], how: UnmountOptions): Promise<void> {
  const failures: Error[] = [];
  for (const place of places) {
    try {
      await unmount(place, how);
    } catch (error) {
      if (!(error instanceof InputError) && !(error instanceof ErrnoError)) throw error;
      failures.push(error);
    }
  }
  // A silent mount's error is thrown last: the process then exits without waiting for that mount.
  failures.sort((a, b) => Number(a instanceof SilentMountError) - Number(b instanceof SilentMountError));
  const last = failures.pop();
  const report = new TerminalReport();
  for (const failure of failures) report.failure(failure);
  if (last !== undefined) throw last;
}
