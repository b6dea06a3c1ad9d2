// stratafs-overlay: fuse-overlayfs's own command line, for podman's and buildah's mount_program.
//
//   stratafs-overlay [-f] [-d] -o lowerdir=TOP:...:BASE[,upperdir=U,workdir=W][,...] MOUNTPOINT
//
// Like fuse-overlayfs, it accepts any upper over any layers, and reports unknown arguments without failing. Unless
// metacopy=on or redirect_dir=on is set, data is copied up with the metadata, and lower directories are not renamed
// (EXDEV: mv copies them): the program that commits the upper reads it directly, and fuse-overlayfs, or the kernel with
// userxattr, may mount it next, and neither obeys these marks. Options that would need a different mount are rejected
// by name.
import { describeCount } from '../options/argument-count.ts';
import type { CommandResult } from '../command-result.ts';
import { TerminalReport } from '../output/report.ts';
import { mountInBackground } from '../background.ts';
import { followMount8 } from '../options/flag-options.ts';
import { helpWidth, wrapHelp } from '../output/help-lines.ts';
import { takeParents } from '../launcher.ts';
import { type MountDraft, newDraft } from '../options/mount-draft.ts';
import { applyOptionList } from '../options/mount-options.ts';
import { type MountRequest, completeRequest } from '../options/mount-request.ts';
import { UsageError } from '../options/usage-error.ts';

export type OverlayCall =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'mount';
      readonly request: MountRequest;
      readonly isForeground: boolean;
      readonly isDebugging: boolean;
      /** Unknown arguments. */
      readonly ignored: readonly string[];
    };

export const overlayHelp = `Usage: stratafs-overlay [-f] [-d] -o <list> <mountpoint>

Mount layers with the command line of fuse-overlayfs, as a mount program of podman and buildah.

Options:
  -f              stay in the foreground
  -d, --debug     log to standard error, and stay in the foreground
  -o <list>       options, separated by commas; repeatable
  -V, --version   print the version
  -h, --help      print this help

<list> must contain lowerdir=<top>:...:<base>. Changes need upperdir=<dir>,workdir=<dir>. Further options: uidmapping=,
gidmapping=, squash_to_root, squash_to_uid=, squash_to_gid=, xattr_permissions=, noacl, volatile, fsync=0,
redirect_dir=on|off, metacopy=on|off, userxattr, and those of mount(8). As with fuse-overlayfs, set-ID bits and device files
have an effect if root mounts, except with nosuid or nodev.
Accepted without effect: timeout=, threaded=, writeback=, fast_ino=, xino=, index=, clone_fd, max_threads=,
max_idle_threads= and similar options.
Rejected: plugins=, lowerdir=//PLUGIN/..., noxattrs=1, ino32_t, static_nlink, allow_root, auto_unmount.

Example, in storage.conf:
  [storage.options.overlay]
  mount_program = "/usr/local/bin/stratafs-overlay"
`;

/** Parses the arguments. Throws UsageError for arguments that can't be obeyed. */
export function understandOverlay(args: readonly string[]): OverlayCall {
  const draft = newDraft();
  const ignored: string[] = [];
  const positional: string[] = [];
  let isForeground = false;
  let isDebugging = false;
  const applyList = (list: string | undefined): void => {
    if (list === undefined) throw new UsageError('-o needs a list of options');
    applyOptionList(draft, list, (option) => {
      if (option === 'debug') isDebugging = true;
      else ignored.push(option);
    });
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '-h' || arg === '--help') return { kind: 'help' };
    if (arg === '-V' || arg === '--version') return { kind: 'version' };
    if (arg === '-f') isForeground = true;
    else if (arg === '-d' || arg === '--debug') isDebugging = true;
    else if (arg === '-s')
      continue; // one thread: there is only one
    else if (arg === '-o') applyList(rest.shift());
    else if (arg.startsWith('-o')) applyList(arg.slice(2));
    else if (arg.startsWith('-')) ignored.push(arg);
    else positional.push(arg);
  }
  const request = complete(draft, positional);
  return { kind: 'mount', request, isForeground: isForeground || isDebugging, isDebugging, ignored };
}

function complete(draft: MountDraft, positional: readonly string[]): MountRequest {
  if (draft.lowerdir === undefined) throw new UsageError('no layers: expected -o lowerdir=TOP:...:BASE');
  if (/(?:^|(?<!\\):)\/\//.test(draft.lowerdir)) {
    throw new UsageError('lowerdir=//...: plugins of fuse-overlayfs are not supported');
  }
  const [mountpoint] = positional;
  if (positional.length !== 1 || mountpoint === undefined) {
    throw new UsageError(describeCount(positional, ['MOUNTPOINT']));
  }
  // fake-root excludes other ways to store owners.
  if (draft.isFakeRoot !== true) draft.options.ownerKeeping ??= 'found';
  const { directory, isThrowAway, metacopy = false, redirect = metacopy } = draft.upper;
  const hasUpper = directory !== undefined || isThrowAway === true;
  if (!hasUpper && draft.access === 'rw') draft.access = undefined;
  const shared = { isForced: true, keepsVolatileMark: true, takesAufsForm: true };
  draft.upper = { ...draft.upper, metacopy, redirect, ...shared };
  followMount8(draft);
  return completeRequest(draft, '', mountpoint);
}

/** Runs the command line. Messages have fuse-overlayfs's form. */
export async function runOverlayCommand(args: readonly string[]): Promise<CommandResult> {
  const call = understandOverlay(args);
  if (call.kind === 'help') {
    return { text: wrapHelp(overlayHelp, helpWidth()) };
  }
  if (call.kind === 'version') {
    const { readVersion } = await import('../version.ts');
    return { text: `stratafs-overlay: version ${readVersion()}\n` };
  }
  // Without a launcher, the process starts again as its child: earlier messages would be printed twice.
  const parents = call.isForeground ? undefined : takeParents();
  const report = new TerminalReport();
  for (const argument of call.ignored) report.line(`unknown argument ignored: ${argument}`);
  // Set before the log is loaded, which reads it.
  if (call.isDebugging) process.env['DEBUG'] ??= 'stratafs:*';
  if (parents !== undefined) return mountInBackground(parents, call.request);
  return (await import('../foreground.ts')).runInForeground(call.request);
}
