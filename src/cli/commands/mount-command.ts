// stratafs mount: to the background, or with -f in front.
import type { CliCommand } from '../command-result.ts';
import { Command, Option } from 'commander';
import { mountInBackground } from '../background.ts';
import { Launcher } from '../launcher.ts';
import { type MountDraft, newDraft } from '../options/mount-draft.ts';
import { applyOption, applyOptionList } from '../options/mount-options.ts';
import { type MountRequest, completeRequest, describeMounted } from '../options/mount-request.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
SOURCE is one of
  PATH                              any of these, found out by looking
  docker-archive:PATH[:REF|:@N]     what "docker save" and "podman save" write
  oci:DIR[:REF|:@N]                 an OCI image layout
  oci-archive:PATH[:REF|:@N]        the same in a tar
  dir:DIR                           what skopeo's dir: and podman's oci-dir and docker-dir are
"-" is standard input; a pipe is read once into the cache directory.
With -o lowerdir=TOP:...:BASE each layer is a tar (compressed or not) or a directory, topmost first.

Without an upper directory the mount is read-only. With one, all changes land there, in kernel overlayfs's form, and
the image is never touched. --upper U makes the work directory U.work beside it where there is none; both lie on
one file system. --tmp takes a new directory in $TMPDIR (/tmp) for both, and removes it when the mount ends.
As an ordinary user --fake-root lets you change everything in the image, whoever owns it. "ls -l" shows the image's
owners, "chown" is remembered, new files are root's, and "stratafs commit" writes all owners so. Other users have no access.
An upper belongs to the layers that it was made over: others are refused, unless told --force-upper.

-o takes mount(8)'s and fstab(5)'s options, fsname=NAME, allow_other (root's mounts have it unless told
no_allow_other), fastpath=on|off, noprovenance (no file tells its layer by user.stratafs.layer), each long option of the list above, kernel overlayfs's (upperdir=U,workdir=W, volatile,
metacopy=on|off, redirect_dir=on|off, userxattr, and those that change nothing here: index, xino), and
fuse-overlayfs's (uidmapping=, gidmapping=, squash_to_root, squash_to_uid=, squash_to_gid=, noacl).
"ro" with an upper shows it, and writes nothing.

Set-ID bits, file capabilities and devices of the image have no effect (nosuid,nodev): root can allow them with "-o suid,dev".

A mount ends with "stratafs unmount", umount(8), "fusermount3 -u", or the daemon's SIGTERM.

Examples:
  stratafs mount alpine.tar /mnt
  stratafs mount docker-archive:images.tar:alpine:3 /mnt
  docker save app | stratafs mount - /mnt
  stratafs mount --upto 2 app.tar /mnt             as it was after its second layer
  stratafs mount --platform linux/arm64 oci:layout /mnt
  stratafs mount --tmp app.tar /mnt                changes are lost at unmount
  stratafs mount --upper changes app.tar /mnt
  stratafs mount --fake-root --upper changes app.tar mnt     edit an image of root's files without being root
  stratafs mount -o lowerdir=top.tar:/var/base /mnt
  stratafs mount -o lowerdir=b:a,upperdir=u,workdir=w /mnt
  /srv/app.tar /mnt/app fuse.stratafs ro,nofail 0 0      in /etc/fstab`;

/** Long options that are not mount options. */
const COMMAND_OPTIONS: readonly string[] = ['foreground', 'verbose', 'options'];

interface CommandOptions {
  readonly foreground?: true;
  readonly verbose?: true;
  /** The values of -o. */
  readonly options?: readonly string[];
}

/** What the command line asks for, understood. UsageError if it makes no sense. */
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
    throw new UsageError('--layer shows one layer alone, --upto a stack: found both, expected one');
  }
  const expected = lowerdir === undefined ? ['SOURCE', 'MOUNTPOINT'] : ['MOUNTPOINT'];
  if (positional.length !== expected.length) {
    const found = positional.length === 0 ? 'nothing' : positional.join(' ');
    const after = lowerdir === undefined ? '' : ' with lowerdir=';
    throw new UsageError(`mount: found ${found}, expected ${expected.join(' and ')}${after}`);
  }
  const [source = '', mountpoint = ''] = lowerdir === undefined ? positional : ['', ...positional];
  if (lowerdir === undefined && source === '') throw new UsageError('mount: the source is an empty name');
  if (mountpoint === '') throw new UsageError('mount: the mount point is an empty name');
  return completeRequest(draft, source, mountpoint);
}

/** All other long options mean what they mean in -o. */
function applyLongOptions(draft: MountDraft, command: Command): void {
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    // commander has true for an option, and false for --no-NAME.
    const isGiven = value !== undefined && value !== option.negate;
    if (!isGiven || COMMAND_OPTIONS.includes(name)) continue;
    applyOption(draft, name, typeof value === 'string' ? value : undefined);
  }
}

/** `description`, `usage` and options of the command; its action mounts. */
export function mountCommand(): CliCommand {
  const syntax = new Command('mount')
    .description('Mounts a saved image as a container of it would see it.')
    .usage('[OPTIONS] SOURCE MOUNTPOINT\n       stratafs mount [OPTIONS] -o lowerdir=TOP:...:BASE MOUNTPOINT')
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .option('-f, --foreground', 'stay in front, until unmounted or interrupted')
    .option('-v, --verbose', 'print what was mounted where')
    .addOption(
      new Option('-o, --options <list>', 'mount options, separated by commas; may be repeated').argParser(
        (list: string, before: string[] | undefined) => [...(before ?? []), list],
      ),
    )
    .option('--upper <dir>', 'the directory that takes writes; its work directory is made beside it')
    .option('--tmp', 'take writes in a directory that is removed at unmount')
    .option('--force-upper', 'take an upper directory of other layers, or one that may be incomplete')
    .option('--fake-root', 'act as root of the image, without being root: change everything, keep all owners')
    .option('--platform <os/arch>', "which of several platforms (default: this machine's)")
    .option('--layer <layer>', 'one layer alone: a number from 1 at the base, or a digest')
    .option('--upto <layer>', 'the stack up to that layer')
    .option('--cache-size <size>', 'memory for decompressed blocks (default: 256M)')
    .option('--verify', 'read all layers, and check them against their digests')
    .option('--no-verify', 'check no digests')
    .option('--no-index-cache', 'neither use nor save what is known of layers')
    .addHelpText('after', help);
  return {
    syntax,
    run: async (positional: string[], given: CommandOptions) => {
      const request = understandMount(syntax, positional);
      const announcement = given.verbose === true ? `stratafs: ${describeMounted(request)}` : undefined;
      if (given.foreground === true) {
        return (await import('../foreground.ts')).runInForeground(request, announcement);
      }
      return mountInBackground(Launcher.take(), request, announcement);
    },
  };
}
