// CacheDirectory: the directory in which everything is kept that is learnt of images.
//
// Whoever can write there decides what a mount shows. So nothing is used that somebody other than this user could have
// written: the path has to be trusted (src/sys/trusted-path.ts), and the directory, its folders and its files must belong to
// this user, with no write permission for others. Anything else is not used; the first case is reported in one warning.
import createDebug from 'debug';
import { join } from 'node:path';
import { examinePath, whyNotOwn } from '../sys/trusted-path.ts';
import { UntrustedError } from './saved-file.ts';

const debug = createDebug('stratafs:store');

export class CacheDirectory {
  /** Absolute. It may be missing: it is made when something is first kept in it. */
  readonly path: string;
  readonly #onWarning: (text: string) => void;
  /** Folders that were found, by name: once trusted, nobody else can change them. */
  readonly #folders = new Map<string, string>();
  #hasWarned = false;

  private constructor(path: string, onWarning: (text: string) => void) {
    this.path = path;
    this.#onWarning = onWarning;
  }

  /** The cache directory at `path` (absolute). Undefined if it can't be trusted (`onWarning` gets one line) or read. */
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

  /** Reports why something in the directory can't be used: what is not to be trusted in a warning, once. */
  report(error: unknown): void {
    debug('%O', error);
    if (!(error instanceof UntrustedError) || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#onWarning(`part of the cache is not used: ${error.message}`);
  }

  #folder(name: string, makes: boolean): string | undefined {
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    // The directory first: its folders may be on a disk of their own, by a symlink.
    if (findOwn(this.path, makes) === undefined) return undefined;
    const folder = findOwn(join(this.path, name), makes);
    if (folder !== undefined) this.#folders.set(name, folder);
    return folder;
  }
}

/** The real path of a directory of this user's; undefined if it is missing. */
function findOwn(path: string, makes: boolean): string | undefined {
  const found = examinePath(path, makes);
  if (found.kind === 'missing') return undefined;
  const reason = found.kind === 'untrusted' ? found.reason : whyNotOwn(found.path, found.stats);
  if (reason !== undefined) throw new UntrustedError(reason);
  return found.kind === 'trusted' ? found.path : undefined;
}
