// Opens an upper and its work directory: locks both, refuses what was made for other layers, and clears what a daemon that
// was killed has left.
//
// `user.` marks are written where `trusted.` ones may not be (anybody but the initial namespace's root).
import { closeSync, constants, openSync } from 'node:fs';
import {
  Stat,
  STAT_LENGTH,
  getxattrAt,
  listNames,
  lockFile,
  mkdirAt,
  openAt,
  setxattrAt,
  statAt,
} from '../sys/upper-calls.ts';
import { EEXIST, ENODATA, EPERM, errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { bytesOf } from '../vfs/names.ts';
import { MarkSpace } from './marks.ts';
import { NO_NAME, Upper } from './upper.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const WORK = bytesOf('work');
const INCOMPAT = bytesOf('incompat');
const VOLATILE = bytesOf('volatile');

/** Where an upper lies, and how it is used. */
export interface UpperPlace {
  /** Paths of directories on one file system, neither within the other. */
  readonly upper: string;
  readonly work: string;
  /** 16 bytes that name the layers: an upper that was made for others is refused. */
  readonly layers: Uint8Array;
  /** 16 bytes that name the tree, whose inode numbers the origins are. */
  readonly identity: Uint8Array;
  /** Takes an upper that was made for other layers. */
  readonly isForced: boolean;
  readonly isVolatile: boolean;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  /** Marks are written in the `user.` namespace also where `trusted.` would do. */
  readonly usesUserXattrs: boolean;
}

/** InputError where it can't be used; then nothing stays open. */
export function openUpper(place: UpperPlace): Upper {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const upperFd = keep(openDirectory(place.upper));
    const baseFd = keep(openDirectory(place.work));
    requireOneFileSystem(place, upperFd, baseFd);
    lock(place.upper, upperFd);
    lock(place.work, baseFd);
    const workFd = keep(openWork(place, baseFd));
    const marks = claim(place, upperFd);
    if (place.isVolatile) markVolatile(place, workFd);
    return new Upper({ ...place, upperFd, baseFd, workFd, marks });
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

function openDirectory(path: string): number {
  try {
    return openSync(path, DIRECTORY);
  } catch (error) {
    throw new InputError(
      `${path}: can't be opened: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function requireOneFileSystem(place: UpperPlace, upperFd: number, workFd: number): void {
  const stat = new Float64Array(STAT_LENGTH);
  const [upper, work] = [upperFd, workFd].map((fd) => {
    statAt(fd, NO_NAME, stat);
    return stat[Stat.dev];
  });
  if (upper !== work) {
    throw new InputError(
      `${place.work}: on another file system than the upper directory ${place.upper}; files are moved between them, so both must be on one`,
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

/** W/work, as kernel overlayfs has it. */
function openWork(place: UpperPlace, baseFd: number): number {
  const made = mkdirAt(baseFd, WORK, 0o700, 0);
  const fd = made < 0 && made !== -EEXIST ? made : openAt(baseFd, WORK, DIRECTORY);
  if (fd < 0) throw new InputError(`${place.work}: can't be written to: ${errnoName(fd)}`);
  const incompat = openAt(fd, INCOMPAT, DIRECTORY);
  if (incompat < 0) return fd;
  const names = listNames(incompat);
  closeSync(incompat);
  if (typeof names !== 'number' && names.length === 0) return fd;
  closeSync(fd);
  throw new InputError(
    `${place.work}/work/incompat: a mount with the option volatile has used it, so what the upper directory has may be incomplete; start with new directories, or remove work/incompat if it is known to be good`,
  );
}

function markVolatile(place: UpperPlace, workFd: number): void {
  let status = mkdirAt(workFd, INCOMPAT, 0o700, 0);
  if (status === 0 || status === -EEXIST) {
    const fd = openAt(workFd, INCOMPAT, DIRECTORY);
    status = fd < 0 ? fd : mkdirAt(fd, VOLATILE, 0o700, 0);
    if (fd >= 0) closeSync(fd);
  }
  if (status < 0) throw new InputError(`${place.work}: can't be written to: ${errnoName(status)}`);
}

/** Writes on the upper for which layers it is, unless that stands there. */
function claim(place: UpperPlace, upperFd: number): MarkSpace {
  const known = readIdentity(place, upperFd);
  if (known.identity?.equals(place.layers) === true) return known.marks;
  if (known.identity !== undefined && !place.isForced) {
    throw new InputError(
      `${place.upper}: was written to over other layers than these, over which it would show something else; use the image that it belongs to, or --force-upper`,
    );
  }
  for (const namespace of place.usesUserXattrs ? (['user'] as const) : (['trusted', 'user'] as const)) {
    const marks = new MarkSpace(namespace);
    const status = setxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs'), place.layers, 0);
    if (status === 0) return marks;
    if (status !== -EPERM || namespace === 'user') {
      throw new InputError(
        `${place.upper}: can't be used as upper directory: ${errnoName(status)} from setting ${marks.prefix}stratafs on it`,
      );
    }
  }
  throw new InputError(`${place.upper}: can't be used as upper directory: it takes no extended attributes`);
}

/** Whose layers an upper says that it is for, and in which namespace. */
function readIdentity(
  place: UpperPlace,
  upperFd: number,
): { readonly marks: MarkSpace; readonly identity: Buffer | undefined } {
  for (const namespace of place.usesUserXattrs ? (['user'] as const) : (['trusted', 'user'] as const)) {
    const marks = new MarkSpace(namespace);
    const identity = getxattrAt(upperFd, NO_NAME, marks.bytesOf('stratafs'));
    if (typeof identity !== 'number') return { marks, identity };
    if (identity !== -ENODATA) break;
  }
  return { marks: new MarkSpace('user'), identity: undefined };
}
