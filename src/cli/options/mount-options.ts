// All options of `-o`, including those of mount(8), fstab(5) and libfuse, with their effects.
//
// Every long option of `stratafs mount` is also accepted in the list, since fstab has no other place for it.
import { parseByteSize } from '../output/byte-size.ts';
import { flagRules } from './flag-options.ts';
import type { MountDraft } from './mount-draft.ts';
import { splitOptionList, unescapeOption } from './option-list.ts';
import {
  type Rule,
  type Rules,
  applyRule,
  choosing,
  doing,
  idle,
  refused,
  taking,
  tuning,
} from './option-rule.ts';
import { ownerRules } from './owner-options.ts';
import { RESTART_VALUES, parseRestart } from './restart-option.ts';
import { suggestNearest } from './suggest.ts';
import { upperRules } from './upper-options.ts';
import { UsageError } from './usage-error.ts';
import { isDigest } from '../../vfs/image-names.ts';

/** Options of fstab(5) for programs that read fstab; and lazytime, which depends on the upper's file system. */
const idleNames = [
  ...['auto', 'noauto', 'nofail', '_netdev', 'nouser', 'nousers', 'nogroup', 'noowner'],
  ...['norelatime', 'lazytime', 'nolazytime'],
  ...['iversion', 'noiversion', 'mand', 'nomand', 'silent', 'loud'],
  // The kernel always checks permissions here.
  'default_permissions',
];

/** libfuse's tuning options, which are negotiated with the kernel here; and SELinux labels, which the policy sets. */
const tuningNames = [
  ...['comment', 'context', 'fscontext', 'defcontext', 'rootcontext'],
  ...['max_read', 'max_write', 'max_readahead', 'max_background', 'big_writes', 'blksize'],
  ...['clone_fd', 'max_threads', 'max_idle_threads', 'kernel_cache', 'auto_cache', 'direct_io'],
  ...['splice_read', 'splice_write', 'splice_move', 'no_splice_read', 'no_splice_write', 'no_splice_move'],
  ...['entry_timeout', 'attr_timeout', 'negative_timeout', 'ac_attr_timeout', 'noforget'],
];

const fuseRules: Rules = [
  [
    'allow_other',
    doing(
      'other users have access, within the permissions of the image (default for root; other users need user_allow_other in /etc/fuse.conf)',
      (draft) => (draft.options.allowOther = true),
    ),
  ],
  [
    'no_allow_other',
    doing('only the mounting user has access; not even root', (draft) => (draft.options.allowOther = false)),
  ],
  ['allow_root', refused('the kernel has no such thing; allow_other lets other users in')],
  ['auto_unmount', refused('not supported: the next mount there clears a dead one away')],
  [
    'fsname',
    taking(
      'NAME',
      'what the mount table shows as the source',
      (draft, value) => (draft.options.fsname = value),
    ),
  ],
  ['subtype', refused('it is always stratafs: this is how mounts are found again')],
];

const ownRules: Rules = [
  [
    'lowerdir',
    taking(
      'TOP:...:BASE',
      'a stack of layers instead of an image, topmost first, each a tar or a directory; a colon or a comma of a path has a backslash before it',
      (draft, value) => (draft.lowerdir = value),
    ),
  ],
  [
    'platform',
    taking('OS/ARCH', 'which of several platforms', (draft, value) => (draft.options.platform = value)),
  ],
  [
    'noprovenance',
    doing('hide the user.stratafs.layer xattr', (draft) => (draft.options.showsLayers = false)),
  ],
  ['layer', taking('LAYER', 'one layer alone', (draft, value) => (draft.options.layer = value))],
  ['upto', taking('LAYER', 'the stack up to that layer', (draft, value) => (draft.options.upto = value))],
  [
    'cache-size',
    taking(
      'SIZE',
      'memory for decompressed blocks',
      (draft, value) => (draft.options.cacheSize = parseByteSize(value, 'cache-size')),
    ),
  ],
  [
    'verify',
    doing(
      'read all layers, and check them against their digests',
      (draft) => (draft.options.verify = 'always'),
    ),
  ],
  [
    'trust-index',
    doing(
      'believe an index that the registry has: the mount is there before its layers (whoever can push to the repository can forge one)',
      (draft) => (draft.options.trustsIndex = true),
    ),
  ],
  [
    // "index" is an option of kernel overlayfs.
    'trusted-index',
    taking(
      'DIGEST',
      'believe the index with this digest, which "stratafs index --push" reports',
      (draft, value) => (draft.options.indexDigest = indexDigestOf(value)),
    ),
  ],
  [
    'fill',
    doing(
      "fetch the rest of a registry's layers while the mount is used",
      (draft) => (draft.options.fillsLayers = true),
    ),
  ],
  ['no-verify', doing('check no digests', (draft) => (draft.options.verify = 'never'))],
  [
    'driver',
    choosing(
      'what serves the mount: /dev/fuse (default), the npm package fuse-native, the kernel alone (erofs; needs root, and tars that are not compressed), or erofs where it can (auto)',
      {
        'dev-fuse': (draft) => (draft.options.driver = 'dev-fuse'),
        'fuse-native': (draft) => (draft.options.driver = 'fuse-native'),
        erofs: (draft) => (draft.options.driver = 'erofs'),
        auto: (draft) => (draft.options.driver = 'auto'),
      },
    ),
  ],
  [
    'fastpath',
    choosing('whether native code answers requests about unchanged files by itself (default: on)', {
      on: (draft) => (draft.options.usesFastPath = true),
      off: (draft) => (draft.options.usesFastPath = false),
    }),
  ],
  [
    'restart',
    taking(
      RESTART_VALUES,
      'whether a read-only mount in the background survives its daemon, which is then started again (default: on, until it dies 5 times in 60 seconds; Linux 6.9)',
      (draft, value) => (draft.restart = parseRestart(value)),
    ),
  ],
  [
    'no-index-cache',
    doing('do not read or write cached layer indexes', (draft) => (draft.options.useIndexCache = false)),
  ],
];

function indexDigestOf(value: string): string {
  if (isDigest(value)) return value;
  throw new UsageError(`the digest of an index: found ${value}, expected sha256: and 64 hex digits`);
}

/** All rules, with the titles of the manual pages. */
export const mountOptions: readonly { readonly title: string; readonly rules: Rules }[] = [
  { title: 'The image', rules: ownRules },
  { title: 'Writes', rules: upperRules },
  { title: 'Owners', rules: ownerRules },
  { title: 'Access and flags', rules: [...fuseRules, ...flagRules] },
  {
    title: 'Of no effect',
    rules: [
      ...idleNames.map((name) => [name, idle] as const),
      ...tuningNames.map((name) => [name, tuning] as const),
    ],
  },
];

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>(mountOptions.flatMap((group) => group.rules));

/** Applies one mount option. Throws UsageError if it is unknown, rejected or has a wrong value. */
export function applyOption(draft: MountDraft, name: string, value: string | undefined): void {
  const rule = rules.get(name);
  if (rule === undefined) {
    throw new UsageError(`unknown mount option '${name}'${suggestNearest(name, [...rules.keys()])}`);
  }
  applyRule(draft, name, value, rule);
}

/**
 * Applies one `-o LIST`; later options override earlier ones. Throws UsageError for rejected options and wrong values. An
 * unknown option is passed to `onUnknown`; without it, it is a UsageError.
 */
export function applyOptionList(draft: MountDraft, list: string, onUnknown?: (option: string) => void): void {
  for (const { name, value } of splitOptionList(list)) {
    if (/^[xX]-./.test(name)) continue;
    if (onUnknown !== undefined && !rules.has(name)) {
      onUnknown(value === undefined ? name : `${name}=${value}`);
      continue;
    }
    // Keep the escapes of lowerdir: its paths are split at colons without a backslash.
    const plain = value === undefined || name === 'lowerdir' ? value : unescapeOption(value);
    applyOption(draft, name, plain);
  }
}
