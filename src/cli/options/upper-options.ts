// The options of an upper directory, with the kernel overlayfs's names and our own, and their combined meaning.
//
// Options of Documentation/filesystems/overlayfs.rst that describe our fixed behaviour are accepted and change nothing;
// options that we could not obey are rejected by name.
import type { UpperOptions } from '../../mount/mount.ts';
import type { MountDraft, UpperDraft } from './mount-draft.ts';
import { type Rules, choosing, doing, refused, settled, taking, tuning } from './option-rule.ts';
import { UsageError } from './usage-error.ts';

const setUpper = (draft: MountDraft, fields: UpperDraft): void => {
  draft.upper = { ...draft.upper, ...fields };
};
const upper = (fields: UpperDraft) => (draft: MountDraft) => setUpper(draft, fields);

export const upperRules: Rules = [
  [
    'ro',
    doing(
      'write nothing; what an upper directory has is shown, and it needs no work directory then',
      (draft) => (draft.access = 'ro'),
    ),
  ],
  ['rw', doing('take writes, which needs an upper directory', (draft) => (draft.access = 'rw'))],
  [
    'upperdir',
    taking('DIR', 'the directory that takes writes; needs workdir=, unless with ro', (draft, directory) =>
      setUpper(draft, { directory, isWorkBeside: false }),
    ),
  ],
  [
    'workdir',
    taking('DIR', 'the work directory, on the same file system', (draft, workDirectory) =>
      setUpper(draft, { workDirectory }),
    ),
  ],
  [
    'upper',
    taking(
      'DIR',
      'the directory for writes; its work directory DIR.work is made next to it',
      (draft, directory) => setUpper(draft, { directory, isWorkBeside: true }),
    ),
  ],
  ['tmp', doing('take writes in a directory that is removed at unmount', upper({ isThrowAway: true }))],
  [
    'force-upper',
    doing(
      'take an upper directory of other layers, or one that may be incomplete',
      upper({ isForced: true }),
    ),
  ],

  [
    'volatile',
    doing(
      'sync nothing before the mount ends, fsync(2) neither; after a crash the upper is refused',
      upper({ isVolatile: true }),
    ),
  ],
  [
    'metacopy',
    choosing('whether a change of attributes alone copies no data (default: on)', {
      on: upper({ metacopy: true }),
      off: upper({ metacopy: false }),
    }),
  ],
  [
    'redirect_dir',
    choosing(
      'whether a lower directory can be renamed (default: on); off implies metacopy=off; follow is off',
      {
        on: upper({ redirect: true }),
        off: upper({ redirect: false }),
        follow: upper({ redirect: false }),
        nofollow: 'redirects that an upper has are always followed; redirect_dir=off makes no new ones',
      },
    ),
  ],
  [
    'userxattr',
    doing(
      'for root: obey and write marks in user.overlay.*, not trusted.overlay.*; turns metacopy and redirect_dir off, and what bears either is EPERM',
      (draft) => (draft.options.usesUserXattrs = true),
    ),
  ],
  // Hard links are always preserved, and inode numbers are always constant and unique.
  ['index', settled(['on', 'off', 'auto'])],
  ['xino', settled(['on', 'off', 'auto'])],
  ['nfs_export', settled(['off'], { on: 'not supported: file handles do not outlive the daemon' })],
  ['uuid', settled(['auto', 'off', 'null'], { on: 'a FUSE mount has no file system UUID' })],
  ['verity', settled(['off'], { on: 'not supported', require: 'not supported' })],
  ['lowerdir+', refused('name all layers in one lowerdir=')],
  ['datadir+', refused('layers of data only are not supported')],

  // fuse-overlayfs(1): tuning options that have no counterpart here.
  ['fsync', choosing('0 is volatile', { 0: upper({ isVolatile: true }), 1: upper({ isVolatile: false }) })],
  ...['timeout', 'threaded', 'fast_ino', 'writeback'].map((name) => [name, tuning] as const),
  ['static_nlink', refused('not supported: directories show their own link counts, which cost nothing here')],
  ['noxattrs', settled(['0'], { 1: 'not supported: the marks of an upper directory are xattrs' })],
  ['plugins', refused('plugins of fuse-overlayfs are not supported')],
  ['ino32_t', refused('not supported: inode numbers may take more than 32 bits')],
];

/** The upper that all options together request; undefined if there is none. Throws UsageError for a contradiction. */
export function settleUpper({ upper: draft, access }: MountDraft): UpperOptions | undefined {
  const { directory, workDirectory, isThrowAway, isWorkBeside, ...behaviour } = draft;
  const isReadOnly = access === 'ro';
  if (isThrowAway === true) {
    if (directory !== undefined || workDirectory !== undefined) {
      throw new UsageError('--tmp makes its own upper directory: found another one too, expected one');
    }
    if (isReadOnly) throw new UsageError("--tmp makes a writable mount: found 'ro' too");
  } else if (directory === undefined) {
    if (workDirectory !== undefined) throw new UsageError('workdir= needs upperdir=');
    if (access === 'rw') {
      throw new UsageError(
        "mount option 'rw': writes need a place: --upper U, --tmp, or upperdir=U,workdir=W",
      );
    }
    return undefined;
  } else if (workDirectory === undefined && isWorkBeside !== true && !isReadOnly) {
    throw new UsageError('upperdir= needs workdir= on the same file system (--upper makes one next to it)');
  }
  if (behaviour.redirect === false && behaviour.metacopy === true) {
    throw new UsageError('metacopy=on needs redirect_dir=on: found redirect_dir=off');
  }
  return directory === undefined
    ? { ...behaviour, isThrowAway: true }
    : { ...behaviour, isReadOnly, directory, workDirectory };
}
