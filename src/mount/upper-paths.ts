// The paths of an upper directory and its work directory: checked before anything is opened, made absolute, and kept
// apart from each other, from the layers and from the mount point.
//
// Two directories overlap where one is the other or lies within it, by whatever path: compared by device and inode numbers
// of all that is above them on the same file system. Whether they can be opened is up to overlay/upper/open-upper.ts.
import { closeSync, openSync } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Image } from '../image/image.ts';
import { impliedWorkName, openImpliedWork } from '../overlay/upper/open-work.ts';
import { mountAbove, readMountTable } from '../sys/mount-table.ts';
import { DIRECTORY_FLAGS } from '../sys/upper-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import type { UpperDirectories } from './options.ts';

/** Absolute, without symlinks. */
export interface UpperPaths {
  readonly upper: string;
  /** Undefined where nothing is to be written. */
  readonly work: string | undefined;
  /** True where the user named no work directory. */
  readonly isWorkImplied: boolean;
}

const UPPER = 'upper directory';
const WORK = 'work directory';

/** Both directories; the work directory beside the upper is made where it is missing. InputError for what can't be used. */
export async function locateUpper(
  { directory, workDirectory }: UpperDirectories,
  isReadOnly: boolean,
): Promise<UpperPaths> {
  const upper = await locate(UPPER, directory, isReadOnly);
  if (isReadOnly) return { upper, work: undefined, isWorkImplied: false };
  const isWorkImplied = workDirectory === undefined;
  const work = isWorkImplied ? makeBeside(upper) : await locate(WORK, workDirectory, false);
  await requireOneMount(upper, work);
  return { upper, work, isWorkImplied };
}

async function locate(what: string, typed: string, isReadOnly: boolean): Promise<string> {
  try {
    const path = await realpath(typed);
    if (!(await stat(path)).isDirectory()) {
      throw new InputError(`${what} ${typed}: found a file, expected a directory`);
    }
    await access(path, constants.R_OK | constants.X_OK | (isReadOnly ? 0 : constants.W_OK));
    return path;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${what} ${typed}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such directory (make it first)';
    case 'ENOTDIR':
      return 'found something else in its path, expected a directory';
    case 'EACCES':
      return 'may not be used by this user (EACCES)';
    case 'EROFS':
      return 'lies on a read-only file system; -o ro shows what is in it without writing';
    default:
      return String(code ?? error);
  }
}

/** The path of the work directory beside the upper. It is opened anew, and looked at again, when the mount is made. */
function makeBeside(upper: string): string {
  const path = join(dirname(upper), impliedWorkName(upper));
  const upperFd = openSync(upper, DIRECTORY_FLAGS);
  try {
    closeSync(openImpliedWork(upperFd, path));
    return path;
  } finally {
    closeSync(upperFd);
  }
}

/** Files are renamed and linked from one to the other, and no mount lets that pass its border. */
async function requireOneMount(upper: string, work: string): Promise<void> {
  const table = await readMountTable();
  const [one, other] = [mountAbove(table, upper), mountAbove(table, work)];
  if (one?.id === other?.id) return;
  throw new InputError(
    `${WORK} ${work}: lies in the mount at ${other?.mountPoint ?? '?'}, the ${UPPER} ${upper} in the one at ${one?.mountPoint ?? '?'}; expected one for both (-o upperdir=U,workdir=W names two directories of one)`,
  );
}

/** InputError where one of the upper's directories overlaps the other, a layer, or the mount point (absolute, real). */
export async function refuseOverlaps(
  { upper, work }: UpperPaths,
  image: Image,
  mountpoint: string,
): Promise<void> {
  const uppers = [await Lineage.of(UPPER, upper)];
  if (work !== undefined) uppers.push(await Lineage.of(WORK, work));
  const others = [await Lineage.of('mount point', mountpoint)];
  for (const source of image.layers) {
    if (source.kind === 'directory') others.push(await Lineage.of('layer', await realpath(source.path)));
  }
  const [first, second] = uppers as [Lineage, Lineage?];
  if (second !== undefined) first.refuse(second);
  for (const one of uppers) for (const other of others) one.refuse(other);
}

/** A directory and all that it lies in, on the same file system. */
class Lineage {
  readonly #name: string;
  readonly #self: string;
  readonly #ancestors: ReadonlySet<string>;

  private constructor(name: string, identities: readonly string[]) {
    this.#name = name;
    this.#self = identities[0] ?? '';
    this.#ancestors = new Set(identities.slice(1));
  }

  static async of(what: string, path: string): Promise<Lineage> {
    const identities: string[] = [];
    let device: bigint | undefined;
    for (let place = path; ; place = dirname(place)) {
      const stats = await stat(place, { bigint: true });
      if (stats.dev !== (device ??= stats.dev)) break;
      identities.push(`${stats.dev}:${stats.ino}`);
      if (place === '/') break;
    }
    return new Lineage(`the ${what} ${path}`, identities);
  }

  refuse(other: Lineage): void {
    if (this.#self === other.#self) {
      throw new InputError(`${this.#name} is ${other.#name} too: expected two directories`);
    }
    const [inner, outer] = this.#ancestors.has(other.#self)
      ? [this, other]
      : other.#ancestors.has(this.#self)
        ? [other, this]
        : [];
    if (inner !== undefined && outer !== undefined) {
      throw new InputError(`${inner.#name} lies in ${outer.#name}: expected directories side by side`);
    }
  }
}
