// umount.fuse.stratafs: the helper that umount(8) runs for mounts of that type. For `umount /DIR` umount(8) only looks at
// the file system's magic number and runs umount.fuse, which may be this program: so it unmounts any FUSE mount.
//
//   umount.fuse.stratafs DIR [-flnrv] [-N NAMESPACE] [-t TYPE]
//
// umount2(2) of a FUSE mount returns before its daemon has closed its files, so that the file system below is still busy
// for a moment. This helper waits for the daemon.
import { describeCount } from '../options/argument-count.ts';
import type { CommandResult } from '../command-result.ts';
import { locateMountPoint, unmountFuseAt } from '../../library/mounts.ts';
import { helpWidth, wrapHelp } from '../output/help-lines.ts';
import { UsageError } from '../options/usage-error.ts';
import { readVersion } from '../version.ts';

export const unmountHelperHelp = `Usage: umount.fuse.stratafs <mountpoint> [-flnrv] [-t <type>]

umount(8) calls this program for mounts of the type fuse.stratafs, and under the name umount.fuse for any FUSE mount, which
it can also unmount. It returns when the daemon has exited and has closed all its files.

Options:
  -l              detach at once, even if busy; do not wait
  -f              abort pending requests
  -n              ignored
  -r              ignored
  -v              print the mount point
  -t <type>       ignored
  -V, --version   print the version
  -h, --help      print this help

Example:
  umount /mnt
`;

export interface UnmountCall {
  readonly directory: string;
  readonly how: Parameters<typeof unmountFuseAt>[1];
  /** -v: print a line when it is unmounted. */
  readonly isVerbose: boolean;
}

/** Parses the arguments. Throws UsageError if they are wrong. */
export function understandUnmount(args: readonly string[]): UnmountCall {
  const letters = new Set<string>();
  const directories: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '-t') rest.shift();
    else if (/^-[flnrv]+$/.test(arg)) for (const letter of arg.slice(1)) letters.add(letter);
    else if (arg === '-N') {
      throw new UsageError(
        'umount.fuse.stratafs: -N is not supported; run umount with nsenter --mount=NAMESPACE',
      );
    } else if (arg.startsWith('-')) throw new UsageError(`umount.fuse.stratafs: unknown option '${arg}'`);
    else directories.push(arg);
  }
  const [directory] = directories;
  if (directory === undefined || directories.length > 1) {
    throw new UsageError(`umount.fuse.stratafs: ${describeCount(directories, ['MOUNTPOINT'])}`);
  }
  return {
    directory,
    how: letters.has('l') ? 'lazy' : letters.has('f') ? 'forced' : 'when-free',
    isVerbose: letters.has('v'),
  };
}

/** Unmounts any FUSE mount, like `stratafs unmount`. Throws InputError if that fails. */
export async function runUnmountHelper(args: readonly string[]): Promise<CommandResult> {
  if (args.some((arg) => arg === '-h' || arg === '--help')) {
    return { text: wrapHelp(unmountHelperHelp, helpWidth()) };
  }
  if (args.some((arg) => arg === '-V' || arg === '--version')) {
    return { text: `umount.fuse.stratafs: version ${readVersion()}\n` };
  }
  const { directory, how, isVerbose } = understandUnmount(args);
  await unmountFuseAt(await locateMountPoint(directory), how);
  return { text: isVerbose ? `umount.fuse.stratafs: ${directory} unmounted.\n` : '' };
}
