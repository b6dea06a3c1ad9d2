// CacheDirectory: the directory that stores everything learnt about images.
//
// A user who can write there decides what a mount shows. So nothing is used that another user could have written: the
// path must be trusted (src/sys/trusted-path.ts), and the directory, its folders and its files must belong to this user
// and be writable by nobody else. Anything else is ignored; the first case is reported in one warning.
import createDebug from 'debug';
import { join } from 'node:path';
import { examinePath, whyNotOwn } from '../sys/trusted-path.ts';
import { UntrustedError } from './saved-file.ts';

const debug = createDebug('stratafs:store');

export class CacheDirectory {
  /** Absolute. It may be missing: it is made when something is first stored in it. */
  readonly path: string;
  readonly #onWarning: (text: string) => void;
  /** Folders that were checked, by name. Once a folder is trusted, no other user can change it. */
  readonly #folders = new Map<string, string>();
  #hasWarned = false;

  private constructor(path: string, onWarning: (text: string) => void) {
    this.path = path;
    this.#onWarning = onWarning;
  }

  /**
   * The cache directory at `path` (absolute). Undefined if it can't be read or trusted (`onWarning` then gets one
   * line).
   */
  static open(path: string, onWarning: (text: string) => void = debug): CacheDirectory | undefined {
    try {
      findOwn(path, false);
      return new CacheDirectory(path, onWarning);
    } catch (error) {
      if (!(error instanceof UntrustedError)) debug('%s: %O', path, error);
      else
        onWarning(`the cache directory ${path} is not used: ${error.message}; XDG_CACHE_HOME names another`);
      return undefined;
    }
  }

  /** The path of a folder; undefined if it is missing. Throws UntrustedError, Node's errors. */
  findFolder(name: string): string | undefined {
    return this.#folder(name, false);
  }

  /** The path of a folder, which is made if it is missing. Throws UntrustedError, Node's errors. */
  makeFolder(name: string): string {
    const folder = this.#folder(name, true);
    if (folder === undefined) throw new UntrustedError(`${join(this.path, name)} was removed meanwhile`);
    return folder;
  }

  /** Reports why a part of the directory can't be used. The first untrusted part is a warning. */
  report(error: unknown): void {
    debug('%O', error);
    if (!(error instanceof UntrustedError) || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#onWarning(`part of the cache is not used: ${error.message}`);
  }

  #folder(name: string, makes: boolean): string | undefined {
    const checked = this.#folders.get(name);
    if (checked !== undefined) return checked;
    // Checks the directory first: its folders may be symlinks to another disk.
    if (findOwn(this.path, makes) === undefined) return undefined;
    const folder = findOwn(join(this.path, name), makes);
    if (folder !== undefined) this.#folders.set(name, folder);
    return folder;
  }
}

/** The real path of a directory that belongs to this user; undefined if it is missing. */
function findOwn(path: string, makes: boolean): string | undefined {
  const found = examinePath(path, makes);
  if (found.kind === 'missing') return undefined;
  const reason = found.kind === 'untrusted' ? found.reason : whyNotOwn(found.path, found.stats);
  if (reason !== undefined) throw new UntrustedError(reason);
  return found.kind === 'trusted' ? found.path : undefined;
}
