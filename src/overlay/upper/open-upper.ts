// Opens an upper and its work directory: locks both, and refuses an upper that belongs to other layers.
//
// Marks are written in the `user.` namespace if this process may not write `trusted.` xattrs (it is not root of the initial
// user namespace).
import { closeSync, constants, openSync } from 'node:fs';
import { isInitialRoot } from '../../sys/initial-root.ts';
import { MS_NOATIME } from '../../sys/mount-calls.ts';
import { UserMarkTrust } from '../../overlayfs-format/user-marks.ts';
import {
  NO_NAME,
  getxattrAt,
  listxattrAt,
  lockFile,
  setxattrAt,
  DIRECTORY_FLAGS,
} from '../../sys/upper-calls.ts';
import { statAt } from '../../sys/stat-at.ts';
import { EOPNOTSUPP, EPERM, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { bytesOf } from '../../vfs/names.ts';
import { showName } from '../../vfs/show-text.ts';
import { HAS_TRUSTED_MARKS } from '../../overlayfs-format/trusted-marks.ts';
import { findForeignFile } from './foreign-upper.ts';
import { atimeRules, openInOwnMount } from './atime.ts';
import { aufsNames, holdsAufsNames } from './aufs-form.ts';
import type { OwnerKeeping } from './kept-owners.ts';
import { MarkSpace } from './marks.ts';
import { type NameForm, kernelNames } from './name-form.ts';
import { findOwners, openOwners } from './open-owners.ts';
import { openImpliedWork, openWork, takeWork } from './open-work.ts';
import { Upper } from './upper.ts';
import { clearVolatile, markVolatile, readPast } from './volatile-mark.ts';

const YES = bytesOf('y');
const TRUSTED_MARKS = bytesOf(HAS_TRUSTED_MARKS);

/** The directories of an upper, and how it is used. */
export interface UpperPlace {
  /** Paths of directories on one file system, neither within the other. */
  readonly upper: string;
  /** Undefined: the upper is read-only. */
  readonly work: string | undefined;
  /** The user did not name a work directory, so it lies next to the upper. */
  readonly isWorkImplied?: boolean;
  /** 16 bytes that identify the layers. An upper that was written over other layers is refused. */
  readonly layers: Uint8Array;
  /** 16 bytes that identify the tree. Origins are inode numbers of that tree. */
  readonly identity: Uint8Array;
  /** Accepts an upper that was written over other layers. */
  readonly isForced: boolean;
  readonly isVolatile: boolean;
  /** A volatile upper is synced at a clean unmount, and then its mark is removed. */
  readonly syncsAtEnd?: boolean;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  readonly squashesUsers: boolean;
  readonly squashesGroups: boolean;
  /** Whether owners and modes are kept in xattrs; undefined: never. */
  readonly ownerKeeping: OwnerKeeping | undefined;
  /** An upper without our mark is read in fuse-overlayfs's form, even if nothing in it has that form. */
  readonly takesAufsForm: boolean;
  /** Marks are written in the `user.` namespace even if `trusted.` can be used. */
  readonly usesUserXattrs: boolean;
  /** MS_* flags of the mount. Only those about access times are used. 0 by default. */
  readonly mountFlags?: number;
}

/** Opens an upper for a mount. InputError if it can't be used; then every descriptor has been closed. */
export function openUpper(place: UpperPlace): Upper {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const givenUpper = keep(openDirectory(place.upper));
    if (place.work === undefined) {
      lock(place.upper, givenUpper);
      const own = openInOwnMount([{ fd: givenUpper, path: place.upper }], MS_NOATIME)?.map(keep);
      const [upperFd = givenUpper] = own ?? [];
      return onlyShown(place, upperFd, own === undefined ? [] : [givenUpper]);
    }
    const isImplied = place.isWorkImplied === true;
    const givenBase = keep(isImplied ? openImpliedWork(givenUpper, place.work) : openDirectory(place.work));
    requireOneFileSystem(place.upper, place.work, givenUpper, givenBase);
    lock(place.upper, givenUpper);
    lock(place.work, givenBase);
    const directories = [
      { fd: givenUpper, path: place.upper },
      { fd: givenBase, path: place.work },
    ];
    const { mountFlags = 0 } = place;
    const own = openInOwnMount(directories, mountFlags)?.map(keep);
    const atime = atimeRules(mountFlags, own !== undefined);
    const [upperFd = givenUpper, baseFd = givenBase] = own ?? [];
    const heldFds = own === undefined ? [] : [givenUpper, givenBase];
    const workFd = keep(openWork(baseFd, place.work, !isImplied));
    takePast(place.work, workFd, place);
    const form = claim(place, upperFd);
    takeWork(workFd, place.work);
    const descriptors = { upperFd, baseFd, workFd, heldFds };
    return new Upper({ ...place, ...form, ...descriptors, atime, owners: openOwners(place, upperFd) });
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

/**
 * Opens an upper for reading only, without a lock: a mount may be using it. InputError if it was written over other layers.
 */
export function lookAtUpper(place: Omit<UpperPlace, 'work'>): Upper {
  const whole = { ...place, work: undefined };
  const upperFd = openDirectory(place.upper);
  try {
    return onlyShown(whole, upperFd, []);
  } catch (error) {
    closeSync(upperFd);
    throw error;
  }
}

/** A read-only upper. */
function onlyShown(place: UpperPlace, upperFd: number, heldFds: readonly number[]): Upper {
  const form = recognise(place, upperFd);
  return new Upper({
    ...place,
    ...form,
    upperFd,
    baseFd: -1,
    workFd: -1,
    heldFds,
    // Reading must not change access times.
    atime: atimeRules(MS_NOATIME, heldFds.length > 0),
    owners: findOwners(place, upperFd),
  });
}

function openDirectory(path: string): number {
  try {
    // The path is the result of realpath(3): a symlink at its end was put there afterwards.
    return openSync(path, DIRECTORY_FLAGS | constants.O_NOFOLLOW);
  } catch (error) {
    throw new InputError(
      `${path}: can't be opened: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function requireOneFileSystem(upper: string, work: string, upperFd: number, workFd: number): void {
  const [one, other] = [upperFd, workFd].map((fd) => {
    const stat = statAt(fd, NO_NAME);
    return typeof stat === 'number' ? undefined : stat.dev;
  });
  if (one !== other) {
    throw new InputError(
      `${work}: on another file system than the upper directory ${upper}; files are moved between them, so both must be on one`,
    );
  }
}

function lock(path: string, fd: number): void {
  const status = lockFile(fd);
  if (status < 0) {
    throw new InputError(
      `${path}: in use by another mount (${errnoName(status)}); unmount that first (stratafs ls shows it)`,
    );
  }
}

/** Refuses an upper that may have lost writes. Sets the volatile mark if this mount is volatile. */
function takePast(work: string, workFd: number, { isForced, isVolatile }: UpperPlace): void {
  const past = readPast(workFd);
  if (past === 'incompatible') {
    throw new InputError(
      `${work}/work/incompat: found a mark of a feature that is not known here; the program that made it has to mount this upper directory`,
    );
  }
  if (past === 'volatile' && !isForced) {
    throw new InputError(
      `${work}/work/incompat/volatile: a mount with the option volatile wrote to the upper directory and did not end in order, so that files may be lost or damaged; start with new directories, or take what is there with --force-upper`,
    );
  }
  const status = isVolatile ? markVolatile(workFd) : past === 'volatile' ? clearVolatile(workFd) : 0;
  if (status < 0) throw new InputError(`${work}: can't be written to: ${errnoName(status)}`);
}

/** How an upper stores marks, whiteouts and overrides. */
interface Form {
  readonly marks: MarkSpace;
  readonly names: NameForm;
  readonly hidesOverrides: boolean;
}

function formOf({ ownerKeeping }: UpperPlace, marks: MarkSpace, isAufsForm: boolean): Form {
  const names = isAufsForm ? aufsNames : kernelNames;
  // The xattrs of fuse-overlayfs are hidden if this mount obeys them.
  return { marks, names, hidesOverrides: ownerKeeping !== undefined || isAufsForm };
}

/** Marks the upper with the identity of its layers, and with its form if that is fuse-overlayfs's. A marked one is left as it is. */
function claim(place: UpperPlace, upperFd: number): Form {
  const stored = readIdentity(place, upperFd);
  const isAufsForm = readsAufsForm(place, stored, upperFd);
  if (stored.identity?.equals(place.layers) === true) {
    announceMarks(upperFd, stored.marks);
    return formOf(place, stored.marks, isAufsForm);
  }
  refuseOther(place, stored.identity);
  if (stored.identity === undefined) refuseForeign(place, upperFd);
  for (const namespace of place.usesUserXattrs ? (['user'] as const) : (['trusted', 'user'] as const)) {
    const marks = new MarkSpace(namespace);
    // After a crash between the two calls the upper has no identity yet, so the next mount repeats both.
    let status = isAufsForm ? setxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs.aufs'), YES, 0) : 0;
    if (status === 0) status = setxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs'), place.layers, 0);
    if (status === 0) {
      announceMarks(upperFd, marks);
      return formOf(place, marks, isAufsForm);
    }
    // EOPNOTSUPP: the upper lies on an overlayfs mount before Linux 6.7, which doesn't let users set overlay marks.
    if ((status !== -EPERM && status !== -EOPNOTSUPP) || namespace === 'user') {
      throw new InputError(
        `${place.upper}: can't be used as upper directory: ${errnoName(status)} from setting ${marks.prefix}stratafs on it`,
      );
    }
  }
  throw new InputError(`${place.upper}: can't be used as upper directory: it takes no extended attributes`);
}

/** Sets a user.* xattr, which everybody can read, on an upper with `trusted.` marks. An error (no user.* xattrs) is ignored. */
function announceMarks(upperFd: number, { namespace }: MarkSpace): void {
  if (namespace === 'trusted') setxattrAt(upperFd, NO_NAME, TRUSTED_MARKS, YES, 0);
}

/** Refuses an upper with `trusted.` marks if this process can't read them: it would show a different tree. */
function refuseHiddenMarks({ upper }: Pick<UpperPlace, 'upper'>, upperFd: number): void {
  if (isInitialRoot() || typeof getxattrAt(upperFd, NO_NAME, TRUSTED_MARKS) === 'number') return;
  throw new InputError(
    `${upper}: was written to by root, with its marks in trusted.overlay.*, which root alone can read: mount it as root, or start with a new directory`,
  );
}

/** Refuses an upper that root's kernel overlayfs may have written: one that holds files of another user. */
function refuseForeign({ upper, isForced }: UpperPlace, upperFd: number): void {
  if (isForced || isInitialRoot()) return;
  const trust = new UserMarkTrust();
  // An ambiguous owner counts as this user's.
  const found = findForeignFile(upperFd, (uid) => trust.follows(uid, () => true));
  if (found === undefined) return;
  throw new InputError(
    `${upper}: ${showName(found)} belongs to another user, so root may have written to it, with marks in trusted.overlay.*, which root alone can read: mount it as root, start with a new directory, or take what shows with --force-upper`,
  );
}

function refuseOther(place: UpperPlace, identity: Buffer | undefined): void {
  if (identity === undefined || identity.equals(place.layers) || place.isForced) return;
  throw new InputError(
    `${place.upper}: was written to over other layers than these, over which it would show something else; use the image that it belongs to, or --force-upper`,
  );
}

/** The form of an upper that is only read. An upper without an identity is read as the kernel would read it. */
function recognise(place: UpperPlace, upperFd: number): Form {
  const stored = readIdentity(place, upperFd);
  refuseOther(place, stored.identity);
  if (stored.identity === undefined) refuseForeign(place, upperFd);
  const isAufsForm = readsAufsForm(place, stored, upperFd);
  if (stored.identity !== undefined) return formOf(place, stored.marks, isAufsForm);
  const namespace = !place.usesUserXattrs && isInitialRoot() ? 'trusted' : 'user';
  return formOf(place, new MarkSpace(namespace), isAufsForm);
}

/** An upper with our mark has another mark for its form. In one without, a file `.wh.x` may be a whiteout of fuse-overlayfs. */
function readsAufsForm(place: UpperPlace, { marks, identity }: UpperIdentity, upperFd: number): boolean {
  if (identity === undefined) return place.takesAufsForm || holdsAufsNames(upperFd);
  return typeof getxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs.aufs')) !== 'number';
}

interface UpperIdentity {
  readonly marks: MarkSpace;
  /** Undefined if it does not have our mark. */
  readonly identity: Buffer | undefined;
}

/** The identity of the layers that an upper is marked with, and the namespace of its marks. */
function readIdentity({ upper, usesUserXattrs }: UpperPlace, upperFd: number): UpperIdentity {
  const [trusted, user] = [new MarkSpace('trusted'), new MarkSpace('user')];
  const identity = getxattrAt(upperFd, NO_NAME, trusted.bytesOf('stratafs'));
  if (typeof identity !== 'number') {
    if (!usesUserXattrs) return { marks: trusted, identity };
    throw new InputError(
      `${upper}: has its marks in trusted.overlay.*, which a mount with userxattr does not obey: leave out userxattr`,
    );
  }
  refuseHiddenMarks({ upper }, upperFd);
  const own = getxattrAt(upperFd, NO_NAME, user.bytesOf('stratafs'));
  // If kernel overlayfs has written marks as root, `user.` marks that the directory's owner added are ignored.
  if (typeof own === 'number' || (!usesUserXattrs && hasTrustedMarks(upperFd, trusted))) {
    return { marks: user, identity: undefined };
  }
  return { marks: user, identity: own };
}

function hasTrustedMarks(upperFd: number, { prefix }: MarkSpace): boolean {
  const names = listxattrAt(upperFd, NO_NAME);
  return typeof names !== 'number' && names.includes(prefix, 0, 'latin1');
}
