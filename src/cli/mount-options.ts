// The options that `-o` takes: what mount(8), fstab(5) and FUSE's users write, and what each does here.
//
// Every long option of `stratafs mount` may stand in the list too, since fstab has no other place for it.
import { parseByteSize } from './byte-size.ts';
import type { MountFlag, MountRequest } from './mount-request.ts';
import { splitOptionList, unescapeOption } from './option-list.ts';
import { suggestNearest } from './suggest.ts';
import { UsageError } from './usage-error.ts';

type Rule =
  /** Accepted, and without an effect on a mount that is read-only and whose times nobody keeps. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'switch'; readonly apply: (request: MountRequest) => void }
  | { readonly kind: 'value'; readonly apply: (request: MountRequest, value: string) => void };

const idle: Rule = { kind: 'idle' };
const refused = (reason: string): Rule => ({ kind: 'refused', reason });
const doing = (apply: (request: MountRequest) => void): Rule => ({ kind: 'switch', apply });
const taking = (apply: (request: MountRequest, value: string) => void): Rule => ({ kind: 'value', apply });

const setting = (...flags: MountFlag[]): Rule =>
  doing((request) => (request.flags = [...new Set([...request.flags, ...flags])]));
const clearing = (...flags: MountFlag[]): Rule =>
  doing((request) => {
    request.flags = request.flags.filter((flag) => !flags.includes(flag));
  });

const needsUpper = 'writing is not supported yet: the mount is read-only (use ro)';

const idleNames = [
  ...['auto', 'noauto', 'nofail', '_netdev', 'nouser', 'nousers', 'nogroup', 'noowner', 'comment'],
  ...['relatime', 'norelatime', 'strictatime', 'nostrictatime', 'lazytime', 'nolazytime'],
  ...['iversion', 'noiversion', 'mand', 'nomand', 'silent', 'loud'],
];

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['ro', idle],
  ['rw', refused(needsUpper)],
  ['upperdir', refused(needsUpper)],
  ['workdir', refused(needsUpper)],
  ['lowerdir', taking((request, value) => (request.source = { kind: 'lowerdir', text: value }))],

  ['nodev', setting('nodev')],
  ['dev', clearing('nodev')],
  ['nosuid', setting('nosuid')],
  ['suid', clearing('nosuid')],
  ['noexec', setting('noexec')],
  ['exec', clearing('noexec')],
  ['noatime', setting('noatime')],
  ['atime', clearing('noatime')],
  ['nodiratime', setting('nodiratime')],
  ['diratime', clearing('nodiratime')],
  ['sync', setting('sync')],
  ['async', clearing('sync')],
  ['dirsync', setting('dirsync')],
  ['defaults', clearing('nodev', 'nosuid', 'noexec', 'sync')],

  // fstab(5): for those who read the table, not for those who mount; and times, which nobody keeps here.
  ...idleNames.map((name) => [name, idle] as const),
  // mount(8): these imply restrictions, which a later option may take back.
  ['user', setting('nodev', 'nosuid', 'noexec')],
  ['users', setting('nodev', 'nosuid', 'noexec')],
  ['owner', setting('nodev', 'nosuid')],
  ['group', setting('nodev', 'nosuid')],
  ['nosymfollow', refused('not supported')],

  ['allow_other', doing((request) => (request.allowOther = true))],
  ['no_allow_other', doing((request) => (request.allowOther = false))],
  ['allow_root', refused('the kernel has no such thing; allow_other lets other users in')],
  // The kernel always checks permissions here.
  ['default_permissions', idle],
  ['fsname', taking((request, value) => (request.fsname = value))],
  ['subtype', refused('it is always stratafs: this is how mounts are found again')],
  // How much the kernel asks for in one request is agreed with it.
  ['max_read', idle],

  ['platform', taking((request, value) => (request.platform = value))],
  ['layer', taking((request, value) => (request.layer = value))],
  ['upto', taking((request, value) => (request.upto = value))],
  ['cache-size', taking((request, value) => (request.cacheSize = parseByteSize(value, 'cache-size')))],
  ['verify', doing((request) => (request.verify = 'always'))],
  ['no-verify', doing((request) => (request.verify = 'never'))],
  ['no-index-cache', doing((request) => (request.useIndexCache = false))],
]);

/** Options that carry a value and yet do nothing here. SELinux labels of a FUSE mount are the policy's to give. */
const idleWithValue = new Set(['comment', 'max_read', 'context', 'fscontext', 'defcontext', 'rootcontext']);

/** Applies one `-o LIST` to `request`, the later option winning. UsageError for what nobody knows. */
export function applyOptionList(request: MountRequest, list: string): void {
  for (const { name, value } of splitOptionList(list)) {
    if (/^[xX]-./.test(name)) continue;
    if (value !== undefined && idleWithValue.has(name)) continue;
    const rule = rules.get(name);
    if (rule === undefined) {
      throw new UsageError(`unknown mount option '${name}'${suggestNearest(name, [...rules.keys()])}`);
    }
    switch (rule.kind) {
      case 'idle':
        break;
      case 'refused':
        throw new UsageError(`mount option '${name}': ${rule.reason}`);
      case 'switch':
        if (value !== undefined)
          throw new UsageError(`mount option '${name}' takes no value, found '${value}'`);
        rule.apply(request);
        break;
      case 'value':
        if (value === undefined || value === '')
          throw new UsageError(`mount option '${name}' needs a value: ${name}=...`);
        // The paths of lowerdir are split at colons that no backslash precedes: its escapes stay for that.
        rule.apply(request, name === 'lowerdir' ? value : unescapeOption(value));
        break;
    }
  }
}
