// stratafs mount: mounts in the background, or with -f in the foreground.
import { describeCount } from '../options/argument-count.ts';
import {
  PLATFORM_ABOUT,
  LAYER_ABOUT,
  UPTO_ABOUT,
  NO_INDEX_CACHE_ABOUT,
  SOCKET_ABOUT,
} from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command, Option } from 'commander';
import { mountInBackground } from '../background.ts';
import { takeParents } from '../launcher.ts';
import { type MountDraft, newDraft } from '../options/mount-draft.ts';
import { applyOption, applyOptionList } from '../options/mount-options.ts';
import {
  type Announce,
  type MountRequest,
  completeRequest,
  describeMounted,
} from '../options/mount-request.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
A <source> is one of:
  <path>                         any of the following; the kind is detected
  docker-archive:<path>[:<ref>]  archive of "docker save" or "podman save"
  oci:<dir>[:<ref>]              OCI image layout
  oci-archive:<path>[:<ref>]     OCI image layout in a tar
  dir:<dir>                      directory of "skopeo copy ... dir:<dir>"
  docker://<name>[:<ref>]        image in a registry
  -                              standard input; pipes are copied to the cache
<ref> selects an image by name or ID, or by position: @0 is the first image.
With -o lowerdir=<top>:...:<base>, each layer is a tar or a directory, topmost first.

Without an upper directory the mount is read-only. With one, all changes are written to it in the format of kernel
overlayfs, and the image never changes. An upper directory belongs to the layers it was created with; it is refused for
other layers, except with --force-upper. The work directory must be on the same file system as the upper directory.

--fake-root lets an ordinary user change every file of the image. "ls -l" shows the owners of the image, chown(1) is
recorded, new files belong to root, and "stratafs commit" saves these owners. Other users cannot access the mount.

-o accepts the options of mount(8) and fstab(5), each long option above without its dashes, and the options of kernel
overlayfs and fuse-overlayfs, such as upperdir=<dir>,workdir=<dir>, volatile, metacopy=on|off or squash_to_root.
stratafs(1) describes all of them.

Set-ID bits, file capabilities and device files of the image have no effect (nosuid,nodev). Root can enable them with
-o suid,dev.

The mount ends with "stratafs unmount", umount(8), "fusermount3 -u", or a SIGTERM to its daemon. A read-only mount in the
background survives its daemon: if that is killed, another one continues (-o restart=off: not so). A writable mount ends with
its daemon; what was written is in the upper directory.

Examples:
  stratafs mount alpine.tar /mnt
  stratafs mount docker-archive:images.tar:alpine:3 /mnt
  docker save app | stratafs mount - /mnt
  stratafs mount --upto 2 app.tar /mnt    the first two layers only
  stratafs mount --platform linux/arm64 oci:layout /mnt
  stratafs mount --tmp app.tar /mnt    changes are lost at unmount
  stratafs mount --upper changes app.tar /mnt
  stratafs mount --fake-root --upper changes app.tar mnt
  stratafs mount -o lowerdir=top.tar:/var/base /mnt
  stratafs mount -o lowerdir=b:a,upperdir=u,workdir=w /mnt

A line in /etc/fstab:
  /srv/app.tar /mnt/app fuse.stratafs ro,nofail 0 0`;

/** Long options that are not mount options. */
const COMMAND_OPTIONS: readonly string[] = ['foreground', 'verbose', 'options', 'daemon', 'socket'];

/** Long options that have another name in -o. */
const LIST_NAMES: ReadonlyMap<string, string> = new Map([['index', 'trusted-index']]);

interface CommandOptions {
  readonly foreground?: true;
  readonly verbose?: true;
  readonly daemon?: true;
  readonly socket?: string;
  /** The values of -o. */
  readonly options?: readonly string[];
}

/** Parses the command line. Throws UsageError for wrong or contradicting arguments. */
export function understandMount(command: Command, positional: readonly string[]): MountRequest {
  const draft = newDraft();
  for (const list of command.opts<CommandOptions>().options ?? []) applyOptionList(draft, list);
  const named = draft.upper.directory;
  applyLongOptions(draft, command);
  if (named !== undefined && command.getOptionValue('upper') !== undefined) {
    throw new UsageError('--upper and upperdir=: found two upper directories, expected one');
  }
  const { lowerdir, options } = draft;
  if (options.layer !== undefined && options.upto !== undefined) {
    throw new UsageError('found --layer and --upto, expected only one of them');
  }
  const expected = lowerdir === undefined ? ['SOURCE', 'MOUNTPOINT'] : ['MOUNTPOINT'];
  if (positional.length !== expected.length) {
    const after = lowerdir === undefined ? '' : ' with lowerdir=';
    throw new UsageError(`mount: ${describeCount(positional, expected)}${after}`);
  }
  const [source = '', mountpoint = ''] = lowerdir === undefined ? positional : ['', ...positional];
  if (lowerdir === undefined && source === '') throw new UsageError('mount: SOURCE must not be empty');
  if (mountpoint === '') throw new UsageError('mount: MOUNTPOINT must not be empty');
  return completeRequest(draft, source, mountpoint);
}

/** Applies all other long options like options in -o. */
function applyLongOptions(draft: MountDraft, command: Command): void {
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    // commander sets true for an option, and false for --no-NAME.
    const isGiven = value !== undefined && value !== option.negate;
    if (!isGiven || COMMAND_OPTIONS.includes(name)) continue;
    applyOption(draft, LIST_NAMES.get(name) ?? name, typeof value === 'string' ? value : undefined);
  }
}

/** The command's description, usage and options; `run` mounts. */
export function mountCommand(): CliCommand {
  const syntax = new Command('mount')
    .description('Mount a saved container image or a stack of layers.')
    .usage('[options] <source> <mountpoint>\n       stratafs mount -o lowerdir=<layers> <mountpoint>')
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .optionsGroup('Image:')
    .option('--platform <os/arch>', PLATFORM_ABOUT)
    .option('--layer <layer>', LAYER_ABOUT)
    .option('--upto <layer>', UPTO_ABOUT)
    .option('--index <digest>', 'believe this index of the registry before the layers are here')
    .option('--verify', 'verify the digests of all layers')
    .option('--no-verify', 'do not verify digests')
    .option('--no-index-cache', NO_INDEX_CACHE_ABOUT)
    .optionsGroup('Writing:')
    .option('--upper <dir>', 'write changes to <dir>; the work directory is <dir>.work')
    .option('--tmp', 'write changes to a temporary directory in $TMPDIR, removed at unmount')
    .option('--force-upper', 'accept an upper directory of other layers, or one that may be incomplete')
    .option('--fake-root', 'act as root inside the mount, and record owners without being root')
    .optionsGroup('Mount:')
    .option('-f, --foreground', 'stay in the foreground until unmounted or interrupted')
    .option('--daemon', 'let the daemon of "stratafs serve" serve the mount')
    .option('--socket <path>', SOCKET_ABOUT)
    .option('-v, --verbose', 'print the source and the mount point')
    .addOption(
      new Option('-o, --options <list>', 'mount options, separated by commas; repeatable').argParser(
        (list: string, before: string[] | undefined) => [...(before ?? []), list],
      ),
    )
    .option('--cache-size <size>', 'memory for decompressed data (default: 256M)')
    .addHelpText('after', help);
  return {
    syntax,
    run: async (positional: string[], args: CommandOptions) => {
      const request = understandMount(syntax, positional);
      const describe: Announce = (mount) => `stratafs: ${describeMounted(request, mount)}`;
      const announce = args.verbose === true ? describe : undefined;
      if (args.daemon !== true && args.socket !== undefined) {
        throw new UsageError('--socket: found without --daemon');
      }
      if (args.daemon === true) {
        if (args.foreground === true) {
          throw new UsageError('found --daemon and --foreground, expected only one of them');
        }
        await (await import('../daemon.ts')).requestMount(request, args.socket);
        return { text: announce === undefined ? '' : `stratafs: ${describeMounted(request)}\n` };
      }
      if (args.foreground === true) {
        return (await import('../foreground.ts')).runInForeground(request, announce);
      }
      return mountInBackground(takeParents(), request, announce);
    },
  };
}
