// Opens the destination of a copy by the rules of docker cp: an existing directory gets the sources under their own names,
// anything else gets the only source as itself.
//
// The user's own path is resolved as usual, so it may contain symlinks. Everything below the directory that is opened here
// is resolved beneath its descriptor (tree-writer.ts).
import { closeSync, constants, type Stats, lstatSync, openSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import * as sys from '../sys/upper-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

/** An open destination. */
export interface Destination {
  /** O_PATH descriptor of a directory. */
  readonly directory: number;
  /** That directory, for messages; without a trailing slash. */
  readonly shown: string;
  /** The name that the only source gets; undefined: each source has its own name. */
  readonly name: Uint8Array | undefined;
  close(): void;
}

/** A source of the copy. */
export interface CopiedSource {
  readonly isDirectory: boolean;
}

/** `path` has no NUL. Throws InputError if the sources can't be copied to it, and Node's errors of open(2). */
export function openDestination(path: string, sources: readonly CopiedSource[]): Destination {
  const found = findDestination(path);
  const shown = showText(path);
  if (found?.isDirectory() === true) return openDirectory(path, undefined);
  if (sources.length !== 1) {
    throw new InputError(`${shown}: is not a directory, expected one for ${sources.length} sources`);
  }
  const isDirectory = sources[0]?.isDirectory === true;
  if (found === undefined) {
    if (path.endsWith('/') && !isDirectory) {
      throw new InputError(`${shown}: does not exist, expected a directory because of the trailing slash`);
    }
  } else {
    if (!found.isFile() && !found.isSymbolicLink()) {
      throw new InputError(`${shown}: is a device, fifo or socket, expected a file or a directory`);
    }
    if (isDirectory) throw new InputError(`${shown}: is a file, and a directory can't be copied to a file`);
    if (path.endsWith('/')) throw new InputError(`${shown}: is a file, expected a directory`);
  }
  return openDirectory(dirname(path), Buffer.from(basename(path)));
}

/** Slashes at the end would make a file a directory. */
const withoutSlashes = (path: string): string => path.replace(/(?<=.)\/+$/, '');

/** A symlink to a directory is a directory; any other symlink is itself. undefined if nothing is there. */
function findDestination(path: string): Stats | undefined {
  const target = statOrNothing(statSync, path);
  if (target?.isDirectory() === true) return target;
  return statOrNothing(lstatSync, withoutSlashes(path));
}

function statOrNothing(stat: (path: string) => Stats, path: string): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ELOOP: a symlink to itself. ENOTDIR: a parent is a file, which opening it reports.
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function openDirectory(path: string, name: Uint8Array | undefined): Destination {
  let directory: number;
  try {
    directory = openSync(path, sys.O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new InputError(`${showText(path)}: is not a directory`, { cause: error });
  }
  const shown = showText(path === '/' ? '' : path.replace(/\/+$/, ''));
  return { directory, shown, name, close: () => closeSync(directory) };
}
