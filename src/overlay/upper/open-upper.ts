// Opens an upper and its work directory: locks both, refuses what was made for other layers, and clears what a daemon that
// was killed has left.
//
// `user.` marks are written where `trusted.` ones may not be (anybody but the initial namespace's root).
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

/** The place of an upper, and how it is used. */
export interface UpperPlace {
  /** Paths of directories on one file system, neither within the other. */
  readonly upper: string;
  /** Undefined: nothing is written, nowhere. */
  readonly work: string | undefined;
  /** The work directory was not named by the user: it lies beside the upper. */
  readonly isWorkImplied?: boolean;
  /** 16 bytes that name the layers: an upper that was made for others is refused. */
  readonly layers: Uint8Array;
  /** 16 bytes that name the tree, whose inode numbers the origins are. */
  readonly identity: Uint8Array;
  /** Takes an upper that was made for other layers. */
  readonly isForced: boolean;
  readonly isVolatile: boolean;
  /** A volatile one is synced when it ends in order, and then has no mark any more. */
  readonly syncsAtEnd?: boolean;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  readonly squashesUsers: boolean;
  readonly squashesGroups: boolean;
  /** Whether owners and modes are kept in xattrs; undefined: never. */
  readonly ownerKeeping: OwnerKeeping | undefined;
  /** An upper that was not marked here before may be in fuse-overlayfs's form, with or without a sign of it. */
  readonly takesAufsForm: boolean;
  /** Marks are written in the `user.` namespace also where `trusted.` would do. */
  readonly usesUserXattrs: boolean;
  /** MS_* of the mount that is made: those of access times count. 0 by default. */
  readonly mountFlags?: number;
}

/** InputError where it can't be used; then nothing stays open. */
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
    const given = [
      { fd: givenUpper, path: place.upper },
      { fd: givenBase, path: place.work },
    ];
    const { mountFlags = 0 } = place;
    const own = openInOwnMount(given, mountFlags)?.map(keep);
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
 * An upper that only is looked at, while a mount may hold it: not locked, nothing is written. InputError where it was
 * made for other layers.
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

/** An upper to which nothing is written. */
function onlyShown(place: UpperPlace, upperFd: number, heldFds: readonly number[]): Upper {
  const form = recognise(place, upperFd);
  return new Upper({
    ...place,
    ...form,
    upperFd,
    baseFd: -1,
    workFd: -1,
    heldFds,
    // Nothing is written, access times neither.
    atime: atimeRules(MS_NOATIME, heldFds.length > 0),
    owners: findOwners(place, upperFd),
  });
}

function openDirectory(path: string): number {
  try {
    // The path is real: a symlink at its end was put there since.
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

/** Refuses an upper that may have lost something, and marks it where this mount syncs nothing. */
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

/** How an upper says what it has to say. */
interface Form {
  readonly marks: MarkSpace;
  readonly names: NameForm;
  readonly hidesOverrides: boolean;
}

function formOf({ ownerKeeping }: UpperPlace, marks: MarkSpace, isAufsForm: boolean): Form {
  const names = isAufsForm ? aufsNames : kernelNames;
  // Programs must not see the xattrs of fuse-overlayfs where they count.
  return { marks, names, hidesOverrides: ownerKeeping !== undefined || isAufsForm };
}

/** Writes on the upper for which layers it is, and that it is in fuse-overlayfs's form, unless that stands there. */
function claim(place: UpperPlace, upperFd: number): Form {
  const known = readIdentity(place, upperFd);
  const isAufsForm = readsAufsForm(place, known, upperFd);
  if (known.identity?.equals(place.layers) === true) {
    announceMarks(upperFd, known.marks);
    return formOf(place, known.marks, isAufsForm);
  }
  refuseOther(place, known.identity);
  if (known.identity === undefined) refuseForeign(place, upperFd);
  for (const namespace of place.usesUserXattrs ? (['user'] as const) : (['trusted', 'user'] as const)) {
    const marks = new MarkSpace(namespace);
    // After a crash in between the upper has no identity yet, and the next mount comes to the same result.
    let status = isAufsForm ? setxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs.aufs'), YES, 0) : 0;
    if (status === 0) status = setxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs'), place.layers, 0);
    if (status === 0) {
      announceMarks(upperFd, marks);
      return formOf(place, marks, isAufsForm);
    }
    // EOPNOTSUPP: an overlayfs before Linux 6.7 keeps the kernel's own marks to itself.
    if ((status !== -EPERM && status !== -EOPNOTSUPP) || namespace === 'user') {
      throw new InputError(
        `${place.upper}: can't be used as upper directory: ${errnoName(status)} from setting ${marks.prefix}stratafs on it`,
      );
    }
  }
  throw new InputError(`${place.upper}: can't be used as upper directory: it takes no extended attributes`);
}

/** Lets everybody know where the marks are. A file system that takes no user.* xattrs leaves them unannounced. */
function announceMarks(upperFd: number, { namespace }: MarkSpace): void {
  if (namespace === 'trusted') setxattrAt(upperFd, NO_NAME, TRUSTED_MARKS, YES, 0);
}

/** A process that can't see root's marks would show another tree. */
function refuseHiddenMarks({ upper }: Pick<UpperPlace, 'upper'>, upperFd: number): void {
  if (isInitialRoot() || typeof getxattrAt(upperFd, NO_NAME, TRUSTED_MARKS) === 'number') return;
  throw new InputError(
    `${upper}: was written to by root, with its marks in trusted.overlay.*, which root alone can read: mount it as root, or start with a new directory`,
  );
}

/** The same of what root's kernel overlayfs wrote, as far as it shows. */
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

/** The same where nothing is written: an upper without an identity is taken as the kernel would take it. */
function recognise(place: UpperPlace, upperFd: number): Form {
  const known = readIdentity(place, upperFd);
  refuseOther(place, known.identity);
  if (known.identity === undefined) refuseForeign(place, upperFd);
  const isAufsForm = readsAufsForm(place, known, upperFd);
  if (known.identity !== undefined) return formOf(place, known.marks, isAufsForm);
  const namespace = !place.usesUserXattrs && isInitialRoot() ? 'trusted' : 'user';
  return formOf(place, new MarkSpace(namespace), isAufsForm);
}

/** An upper that we marked says so itself; in one that we did not, a file `.wh.x` may be a whiteout of fuse-overlayfs's. */
function readsAufsForm(place: UpperPlace, { marks, identity }: UpperIdentity, upperFd: number): boolean {
  if (identity === undefined) return place.takesAufsForm || holdsAufsNames(upperFd);
  return typeof getxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs.aufs')) !== 'number';
}

interface UpperIdentity {
  readonly marks: MarkSpace;
  /** Undefined if it does not have our mark. */
  readonly identity: Buffer | undefined;
}

/** Whose layers an upper says that it is for, and in which namespace. */
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
  // What kernel overlayfs has written as root counts, whatever the directory's owner adds.
  if (typeof own === 'number' || (!usesUserXattrs && hasTrustedMarks(upperFd, trusted))) {
    return { marks: user, identity: undefined };
  }
  return { marks: user, identity: own };
}

function hasTrustedMarks(upperFd: number, { prefix }: MarkSpace): boolean {
  const names = listxattrAt(upperFd, NO_NAME);
  return typeof names !== 'number' && names.includes(prefix, 0, 'latin1');
}
