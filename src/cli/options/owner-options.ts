// Options that map owners between the mount and the stored inodes, with fuse-overlayfs(1)'s names and values.
import type { IdRange, OwnerKeeping, OwnerMapping } from '../../mount/mount.ts';
import type { MountDraft } from './mount-draft.ts';
import { type Rules, choosing, doing, taking } from './option-rule.ts';
import { UsageError } from './usage-error.ts';

/** One more than the largest ID: (uid_t) -1 is not a valid ID. */
const ID_LIMIT = 0xffffffff;
/** The kernel's limit for /proc/PID/uid_map (UID_GID_MAP_MAX_EXTENTS). */
const RANGE_LIMIT = 340;

const set = ({ options }: MountDraft, fields: OwnerMapping): void => {
  options.owners = { ...options.owners, ...fields };
};

export const ownerRules: Rules = [
  [
    'fake-root',
    doing(
      'act as root of the image: read and change all files of all owners; show the owners that the image has, and store new ones in xattrs of the upper',
      (draft) => (draft.isFakeRoot = true),
    ),
  ],
  // squash_to_uid and squash_to_gid override it, in any order.
  [
    'squash_to_root',
    doing('show all files as owned by root', (draft) =>
      set(draft, { squashedUid: 0, squashedGid: 0, ...draft.options.owners }),
    ),
  ],
  [
    'squash_to_uid',
    taking('UID', 'show all files as owned by that user', (draft, value) =>
      set(draft, { squashedUid: parseId(value, 'squash_to_uid') }),
    ),
  ],
  [
    'squash_to_gid',
    taking('GID', 'show all files as owned by that group', (draft, value) =>
      set(draft, { squashedGid: parseId(value, 'squash_to_gid') }),
    ),
  ],
  [
    'uidmapping',
    taking(
      'STORED:SHOWN:COUNT[:...]',
      'show the owners of a range of IDs as those of another',
      (draft, value) => set(draft, { uids: parseRanges(value, 'uidmapping') }),
    ),
  ],
  [
    'gidmapping',
    taking('STORED:SHOWN:COUNT[:...]', 'the same for groups', (draft, value) =>
      set(draft, { gids: parseRanges(value, 'gidmapping') }),
    ),
  ],
  ['noacl', doing('obey no POSIX ACLs', (draft) => (draft.options.usesAcl = false))],
  [
    'xattr_permissions',
    choosing('keep owners and modes in xattrs of the upper: 1 in security. ones, 2 in user. ones', {
      0: (draft) => (draft.options.ownerKeeping = undefined),
      1: (draft) => (draft.options.ownerKeeping = 'security'),
      2: (draft) => (draft.options.ownerKeeping = 'user'),
    }),
  ],
];

/** The owner storage that all options together select. Throws UsageError for a contradiction. */
export function settleOwners({ isFakeRoot, options }: MountDraft): OwnerKeeping | undefined {
  if (isFakeRoot !== true) return options.ownerKeeping;
  if (options.owners !== undefined || options.ownerKeeping !== undefined) {
    throw new UsageError(
      'fake-root shows and keeps owners by itself: found squash_to_*, uidmapping, gidmapping or xattr_permissions, too',
    );
  }
  if (options.allowOther === true) {
    throw new UsageError('fake-root: allow_other would make all users root in the mount: found both');
  }
  return 'fake-root';
}

function parseId(text: string, option: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : ID_LIMIT;
  if (id >= ID_LIMIT) {
    throw new UsageError(`mount option '${option}': found '${text}', expected an ID below ${ID_LIMIT}`);
  }
  return id;
}

/** Parses "0:1000:1:1:110000:65536": triples of stored ID, shown ID and count. */
function parseRanges(text: string, option: string): IdRange[] {
  const numbers = text.split(':').map((part) => parseId(part, option));
  if (numbers.length % 3 !== 0) {
    throw new UsageError(
      `mount option '${option}': found ${numbers.length} numbers, expected three for each range, STORED:SHOWN:COUNT`,
    );
  }
  if (numbers.length > 3 * RANGE_LIMIT) {
    throw new UsageError(`mount option '${option}': found more than ${RANGE_LIMIT} ranges`);
  }
  return Array.from({ length: numbers.length / 3 }, (_, i) => {
    const [stored, shown, count] = numbers.slice(3 * i, 3 * i + 3) as [number, number, number];
    if (Math.max(stored, shown) + count > ID_LIMIT) {
      throw new UsageError(
        `mount option '${option}': found ${stored}:${shown}:${count}, expected a range of IDs below ${ID_LIMIT}`,
      );
    }
    return { stored, shown, count };
  });
}
