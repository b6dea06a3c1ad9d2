// mount.stratafs: the helper that mount(8) runs for `-t stratafs` and for lines of that type in fstab.
//
//   mount.stratafs SOURCE DIR [-sfnv] [-t TYPE] [-o LIST]
//
// With lowerdir= in the list, SOURCE is only a label. The mount table shows it, so that `mount -a` recognises a line that
// is already mounted.
import { describeCount } from '../options/argument-count.ts';
import type { CommandResult } from '../command-result.ts';
import { mountInBackground } from '../background.ts';
import { followMount8 } from '../options/flag-options.ts';
import { helpWidth, wrapHelp } from '../output/help-lines.ts';
import { takeParents } from '../launcher.ts';
import { newDraft } from '../options/mount-draft.ts';
import { applyOptionList } from '../options/mount-options.ts';
import {
  type Announce,
  type MountRequest,
  completeRequest,
  describeMounted,
} from '../options/mount-request.ts';
import { UsageError } from '../options/usage-error.ts';
import { readVersion } from '../version.ts';

export const helperHelp = `Usage: mount.stratafs <source> <mountpoint> [-sfnv] [-t <type>] [-o <list>]

mount(8) calls this program for "mount -t stratafs" and for lines in fstab(5) of that type. <source> is an image, as for
"stratafs mount". With lowerdir= in the options, it is only the name in the mount table.

Options:
  -o <list>       mount options, separated by commas; repeatable
  -s              ignore unknown options
  -f              check the arguments, but do not mount
  -n              ignored
  -v              print the source and the mount point
  -t <type>       ignored: the type is always fuse.stratafs
  -V, --version   print the version
  -h, --help      print this help

As with mount(8), set-ID bits and device files have an effect (suid,dev) if root mounts, except with nosuid, nodev, user or
owner in <list>.

Example:
  mount -t stratafs -o ro /srv/app.tar /mnt
`;

export interface HelperCall {
  readonly request: MountRequest;
  /** -f: do everything except the mount. */
  readonly isFake: boolean;
  /** -v: print a line when it is mounted. */
  readonly isVerbose: boolean;
}

/** Parses the arguments. Throws UsageError if they are wrong. */
export function understandHelper(args: readonly string[]): HelperCall {
  const { positional, lists, letters } = sortArguments(args);
  const [source = '', mountpoint = ''] = positional;
  if (positional.length !== 2) {
    throw new UsageError(`mount.stratafs: ${describeCount(positional, ['SOURCE', 'MOUNTPOINT'])}`);
  }
  if (source === '' || mountpoint === '') {
    throw new UsageError('mount.stratafs: SOURCE and MOUNTPOINT must not be empty');
  }
  const draft = newDraft();
  const isSloppy = letters.has('s');
  for (const list of lists) applyOptionList(draft, list, isSloppy ? () => undefined : undefined);
  // mount(8) adds rw by itself, so rw doesn't mean that the user wants an upper.
  if (draft.access === 'rw') draft.access = undefined;
  followMount8(draft);
  if (draft.lowerdir !== undefined) draft.options.fsname ??= source;
  const request = completeRequest(draft, source, mountpoint);
  return { request, isFake: letters.has('f'), isVerbose: letters.has('v') };
}

interface SortedArguments {
  readonly positional: string[];
  readonly lists: string[];
  readonly letters: Set<string>;
}

function sortArguments(args: readonly string[]): SortedArguments {
  const sorted: SortedArguments = { positional: [], lists: [], letters: new Set() };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '-o' || arg === '-t') {
      const value = rest.shift();
      if (value === undefined) throw new UsageError(`mount.stratafs: ${arg} needs a value`);
      if (arg === '-o') sorted.lists.push(value);
    } else if (/^-[sfnv]+$/.test(arg)) for (const letter of arg.slice(1)) sorted.letters.add(letter);
    else if (arg.startsWith('-')) throw new UsageError(`mount.stratafs: unknown option '${arg}'`);
    else sorted.positional.push(arg);
  }
  return sorted;
}

/** Mounts in the background, as mount(8) expects: it returns when the mount answers. */
export async function runMountHelper(args: readonly string[]): Promise<CommandResult> {
  if (args.some((arg) => arg === '-h' || arg === '--help')) {
    return { text: wrapHelp(helperHelp, helpWidth()) };
  }
  if (args.some((arg) => arg === '-V' || arg === '--version')) {
    return { text: `mount.stratafs: version ${readVersion()}\n` };
  }
  const { request, isFake, isVerbose } = understandHelper(args);
  const describe = (mount?: Parameters<Announce>[0]): string =>
    `mount.stratafs: ${describeMounted(request, mount)}`;
  if (isFake) return { text: isVerbose ? `${describe()}\n` : '' };
  return mountInBackground(takeParents(), request, isVerbose ? describe : undefined);
}
