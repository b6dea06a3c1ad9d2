// Chooses the OwnerForm of an upper when it is opened. The root of an upper that keeps owners in xattrs has such an xattr.
import { statAt } from '../../sys/stat-at.ts';
import { NO_NAME, getxattrAt } from '../../sys/upper-calls.ts';
import { errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { bytesOf } from '../../vfs/names.ts';
import { OVERRIDE_NAMES, PRIVILEGED_OVERRIDE, USER_OVERRIDE } from '../../overlayfs-format/override-stat.ts';
import { OverrideTrust } from '../../overlayfs-format/override-trust.ts';
import { KeptOwners, type OwnerKeeping } from './kept-owners.ts';
import type { OwnerForm } from './owner-form.ts';
import { type Squashing, StoredOwners } from './stored-owners.ts';

export interface OwnerOptions extends Squashing {
  /** Path of the upper, for messages. */
  readonly upper: string;
  /** Undefined: inodes have the owners that show. */
  readonly ownerKeeping: OwnerKeeping | undefined;
}

/** The form of an upper that is only read. */
export function findOwners(options: OwnerOptions, upperFd: number): OwnerForm {
  return findKeptOwners(options.ownerKeeping, upperFd, true) ?? new StoredOwners(options);
}

/** The form of an upper that is written to. If it is to keep owners in xattrs and does not yet, its root gets the xattr. */
export function openOwners(options: OwnerOptions, upperFd: number): OwnerForm {
  const { ownerKeeping } = options;
  const found = findKeptOwners(ownerKeeping, upperFd, false);
  if (found !== undefined) return found;
  if (ownerKeeping === undefined || ownerKeeping === 'found') return new StoredOwners(options);
  return startKeepingOwners(options.upper, ownerKeeping, upperFd);
}

/** True if an upper was written to with owners kept in `user.` xattrs. */
export function keepsOwners(upperFd: number): boolean {
  return findKeptOwners('user', upperFd, true) !== undefined;
}

/** Undefined if the root has no such xattr. */
function findKeptOwners(
  keeping: OwnerKeeping | undefined,
  upperFd: number,
  isReadOnly: boolean,
): KeptOwners | undefined {
  const root = statAt(upperFd, NO_NAME);
  if (keeping === undefined || typeof root === 'number') return undefined;
  const namespace = keeping === 'found' ? '' : keeping === 'security' ? 'security.' : 'user.';
  const trust = new OverrideTrust(keeping === 'fake-root');
  const isBelieved = (name: string): boolean => keeping !== 'found' || trust.believes(name, root.uid);
  const found = OVERRIDE_NAMES.find(
    (name) =>
      name.startsWith(namespace) &&
      typeof getxattrAt(upperFd, NO_NAME, bytesOf(name)) !== 'number' &&
      isBelieved(name),
  );
  const rootUid = keeping === 'fake-root' ? root.uid : undefined;
  return found === undefined ? undefined : new KeptOwners(found, { rootUid, isReadOnly });
}

/** Sets the xattr on the root, which shows as it is. */
function startKeepingOwners(
  upper: string,
  keeping: Exclude<OwnerKeeping, 'found'>,
  upperFd: number,
): KeptOwners {
  const name = keeping === 'security' ? PRIVILEGED_OVERRIDE : USER_OVERRIDE;
  const root = statAt(upperFd, NO_NAME);
  const rootUid = keeping === 'fake-root' && typeof root !== 'number' ? root.uid : undefined;
  const owners = new KeptOwners(name, { rootUid, isReadOnly: false });
  const status = typeof root === 'number' ? root : owners.changeMode(upperFd, NO_NAME, root.mode & 0o7777);
  if (status >= 0) return owners;
  throw new InputError(
    `${upper}: can't keep owners in xattrs: ${errnoName(status)} from setting ${name} on it`,
  );
}
