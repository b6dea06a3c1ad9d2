// The upper directory of one mount, from what was asked for to what the overlay opens.
import createDebug from 'debug';
import type { Image } from '../image/image.ts';
import { isInitialRoot } from '../sys/initial-root.ts';
import { InputError } from '../vfs/input-error.ts';
import { findKernelMountOf } from '../fuse/mounts/kernel-mounts.ts';
import { type UpperPlace, openUpper } from '../overlay/upper/open-upper.ts';
import { keepsOwners } from '../overlay/upper/open-owners.ts';
import type { Upper } from '../overlay/upper/upper.ts';
import type { LayersIdentity } from './layer-identity.ts';
import { type MountOptions, type UpperOptions, mountFlagBits } from './options.ts';
import { makeThrowAwayUpper } from './throw-away-upper.ts';
import { untilReleased } from './upper-lock.ts';
import { type UpperPaths, locateUpper, refuseOverlaps } from './upper-paths.ts';
import type { Watch } from './watch.ts';

const debug = createDebug('stratafs:upper');

/** Of a mount's options, those that its upper needs to know. */
type UpperMountOptions = Pick<MountOptions, 'owners' | 'ownerKeeping' | 'usesUserXattrs' | 'flags'>;

export interface PreparedUpper {
  readonly paths: UpperPaths;
  readonly isThrowAway: boolean;
  readonly isReadOnly: boolean;
  /** What a copy-up and a rename of a directory may leave. */
  readonly writes: { readonly metacopy: boolean; readonly redirect: boolean };
  /**
   * Opens it for a mount of these layers; what is opened is the caller's. InputError where it can't be used. `isVolatile`:
   * otherwise than the options say.
   */
  open(identity: LayersIdentity, how?: { readonly isVolatile: boolean }): Promise<Upper>;
  /** Once it is closed, or was never opened: nothing is left of a throw-away upper. */
  release(): void;
}

/** Finds or makes the directories. `place`: the mount point, absolute. InputError where they can't be used. */
export async function prepareUpper(
  options: UpperOptions,
  image: Image,
  place: string,
  mount: Watch & UpperMountOptions,
): Promise<PreparedUpper> {
  refuseUnfollowed(options, mount);
  const isReadOnly = options.isReadOnly ?? false;
  const thrownAway = 'isThrowAway' in options ? makeThrowAwayUpper(mount.onNotice ?? debug) : undefined;
  const release = (): void => {
    const problem = thrownAway?.remove();
    if (problem !== undefined) debug('%s', problem);
  };
  try {
    const paths = 'isThrowAway' in options ? thrownAway : await locateUpper(options, isReadOnly);
    if (paths === undefined) throw new Error('a throw-away upper was not made');
    await refuseOverlaps(paths, image, place);
    return {
      paths,
      isThrowAway: thrownAway !== undefined,
      isReadOnly,
      writes: writesOf(options),
      open: async (identity, how) => {
        await untilReleased(paths.upper, mount.signal);
        const upper = openUpper({ ...upperPlace(paths, identity, options, mount), ...how });
        const holder = await findKernelMountOf(paths.upper);
        if (holder !== undefined) {
          upper.close();
          throw new InputError(`${paths.upper}: in use by the mount at ${holder}; unmount that first`);
        }
        warnOfUnfollowed(paths.upper, upper, mount);
        hintAtKeptOwners(paths.upper, upper, mount);
        return upper;
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Root's mount of an upper that an ordinary user has written: what the user could have forged is EPERM. */
function warnOfUnfollowed(
  path: string,
  { marks }: Upper,
  { onWarning, usesUserXattrs = false }: Watch & Pick<MountOptions, 'usesUserXattrs'>,
): void {
  if (marks.mayFollow || usesUserXattrs) return;
  onWarning?.(
    `${path}: has its marks in user.overlay.*: root gets EPERM for what was renamed or has only metadata there; mount it as its owner, or convert it (docs/formats.md, "Trust in marks")`,
  );
}

/** An upper written to with fake-root shows the user's own IDs without it. */
function hintAtKeptOwners(
  path: string,
  { upperFd }: Upper,
  { onNotice, ownerKeeping }: Watch & Pick<MountOptions, 'ownerKeeping'>,
): void {
  if (ownerKeeping !== undefined || !keepsOwners(upperFd)) return;
  const option = isInitialRoot() ? '-o xattr_permissions=2' : '--fake-root';
  onNotice?.(`${path}: keeps owners and modes in xattrs; ${option} shows them`);
}

/** As kernel overlayfs refuses it. */
function refuseUnfollowed(
  { metacopy, redirect }: UpperOptions,
  { usesUserXattrs = false }: Pick<MountOptions, 'usesUserXattrs'>,
): void {
  if (!usesUserXattrs || !isInitialRoot() || (metacopy !== true && redirect !== true)) return;
  throw new InputError(
    `userxattr: root follows no redirects and no metacopies in user.overlay.*: leave out ${metacopy === true ? 'metacopy=on' : 'redirect_dir=on'}`,
  );
}

/** An inode that was copied up without its data is found by a redirect once it is renamed. */
function writesOf({ redirect = true, metacopy = redirect }: UpperOptions): PreparedUpper['writes'] {
  return { metacopy, redirect };
}

function upperPlace(
  paths: UpperPaths,
  identity: LayersIdentity,
  options: UpperOptions,
  { owners, ownerKeeping, usesUserXattrs, flags }: UpperMountOptions,
): UpperPlace {
  const { metacopy, redirect } = writesOf(options);
  return {
    upper: paths.upper,
    work: paths.work,
    isWorkImplied: paths.isWorkImplied,
    layers: identity.layers,
    identity: identity.tree,
    isForced: options.isForced ?? false,
    // A throw-away upper need not reach the disk.
    isVolatile: options.isVolatile ?? 'isThrowAway' in options,
    syncsAtEnd: !('isThrowAway' in options) && options.keepsVolatileMark !== true,
    usesMetacopy: metacopy,
    usesRedirect: redirect,
    squashesUsers: owners?.squashedUid !== undefined,
    squashesGroups: owners?.squashedGid !== undefined,
    ownerKeeping,
    takesAufsForm: options.takesAufsForm ?? false,
    usesUserXattrs: usesUserXattrs ?? false,
    mountFlags: mountFlagBits(flags),
  };
}
