// mount(8)'s options that set flags of a mount, and the defaults of each command for set-ID bits and devices.
//
// `draft.options.flags` holds only what the options say. If they say nothing about suid or dev, "stratafs mount" takes
// nosuid and nodev, for root too: an image is somebody else's. mount.stratafs and stratafs-overlay follow mount(8)
// instead (`followMount8`).
import type { MountFlag } from '../../mount/mount.ts';
import type { MountDraft } from './mount-draft.ts';
import { type Rule, type Rules, doing, refused } from './option-rule.ts';

const opposites: Readonly<Partial<Record<MountFlag, MountFlag>>> = {
  suid: 'nosuid',
  nosuid: 'suid',
  dev: 'nodev',
  nodev: 'dev',
  noatime: 'strictatime',
  strictatime: 'noatime',
};

/** The flags without `dropped`. */
function without(draft: MountDraft, dropped: readonly (MountFlag | undefined)[]): MountFlag[] {
  return (draft.options.flags ?? []).filter((flag) => !dropped.includes(flag));
}

function setFlags(draft: MountDraft, flags: readonly MountFlag[]): void {
  const others = without(
    draft,
    flags.map((flag) => opposites[flag]),
  );
  draft.options.flags = [...new Set([...others, ...flags])];
}

function clearFlags(draft: MountDraft, flags: readonly MountFlag[]): void {
  draft.options.flags = without(draft, flags);
}

const setting = (about: string, ...flags: MountFlag[]): Rule =>
  doing(about, (draft) => setFlags(draft, flags));
const clearing = (about: string, ...flags: MountFlag[]): Rule =>
  doing(about, (draft) => clearFlags(draft, flags));

export const flagRules: Rules = [
  ['nodev', setting('device files cannot be opened (default of "stratafs mount")', 'nodev')],
  ['dev', setting('device files can be opened; only for root', 'dev')],
  [
    'nosuid',
    setting('set-ID bits and file capabilities have no effect (default of "stratafs mount")', 'nosuid'),
  ],
  ['suid', setting('set-ID bits and file capabilities have an effect; only for root', 'suid')],
  ['noexec', setting('nothing on the mount can be executed', 'noexec')],
  ['exec', clearing('takes noexec back', 'noexec')],
  ['noatime', setting('reading moves no access time', 'noatime')],
  ['atime', clearing('takes noatime back', 'noatime')],
  [
    'relatime',
    clearing(
      'the default: reading moves an access time that is older than the change time, or than a day',
      ...(['noatime', 'strictatime'] as const),
    ),
  ],
  [
    'strictatime',
    setting(
      'each read moves the access time; in a writable mount only for root, from Linux 5.12 on',
      'strictatime',
    ),
  ],
  ['nostrictatime', clearing('takes strictatime back', 'strictatime')],
  ['nodiratime', setting('listing a directory does not move its access time', 'nodiratime')],
  ['diratime', clearing('takes nodiratime back', 'nodiratime')],
  ['sync', setting('each write returns when it is on the disk', 'sync')],
  ['async', clearing('takes sync back', 'sync')],
  ['dirsync', setting('each change of a directory returns when it is on the disk', 'dirsync')],
  [
    'defaults',
    clearing(
      'takes back all of suid, nosuid, dev, nodev, noexec and sync',
      ...(['suid', 'nosuid', 'dev', 'nodev', 'noexec', 'sync'] as const),
    ),
  ],
  // mount(8): these imply restrictions, which a later option may undo.
  [
    'user',
    setting('nodev, nosuid and noexec, unless a later option takes them back', 'nodev', 'nosuid', 'noexec'),
  ],
  ['users', setting('as user', 'nodev', 'nosuid', 'noexec')],
  ['owner', setting('nodev and nosuid, unless a later option takes them back', 'nodev', 'nosuid')],
  ['group', setting('as owner', 'nodev', 'nosuid')],
  ['nosymfollow', refused('not supported')],
  ['remount', refused('not supported: unmount, and mount again with the other options')],
];

/**
 * mount(8)'s convention: suid and dev are the defaults. Without root neither is possible, and setting them has no effect,
 * as in fusermount3.
 */
export function followMount8(draft: MountDraft, isRoot = process.geteuid?.() === 0): void {
  if (!isRoot) {
    clearFlags(draft, ['suid', 'dev']);
    return;
  }
  for (const flag of ['suid', 'dev'] as const) {
    if (draft.options.flags?.includes(`no${flag}`) !== true) setFlags(draft, [flag]);
  }
}
