// TreeStore: merged trees of earlier mounts, in the user's cache directory.
//
//   trees/<key>.tree   the merged tree of one stack of layers (src/tree/tree-file.ts)
//
// Every file appears whole, by rename. All of it may be deleted at any time. Where the directory can't be written,
// nothing is kept and nothing fails. The ones that were longest unused are dropped beyond a bound.
import createDebug from 'debug';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { removeStaleDrafts } from '../layer/drafts.ts';
import { dropOldest, noteUse } from '../layer/drop-oldest.ts';
import { makeDirectory } from '../layer/make-directory.ts';
import { type SavedTree, loadTreeFile, saveTreeFile } from './tree-file.ts';

const debug = createDebug('stratafs:store');

/** All that the directory holds unless told, in bytes on disk. */
const DIRECTORY_LIMIT = 2 ** 30;

/** What names the tree of layers whose uncompressed tars have these digests (DiffIDs), base first. */
export function keyOfTree(diffIds: readonly string[]): string {
  return createHash('sha256').update(diffIds.join(' ')).digest('hex');
}

export class TreeStore {
  readonly #directory: string;
  readonly #limit: number;

  /**
   * @param cacheDirectory absolute; made when something is first kept in it
   * @param limit bytes on disk that the trees may take together; the one saved last stays in any case
   */
  constructor(cacheDirectory: string, limit = DIRECTORY_LIMIT) {
    this.#directory = join(cacheDirectory, 'trees');
    this.#limit = limit;
  }

  /** The tree that was saved as `key`; undefined where none is, or none that can be used. */
  async load(key: string): Promise<SavedTree | undefined> {
    const path = this.#path(key);
    try {
      const saved = await loadTreeFile(path, key);
      if (saved !== undefined) noteUse(path);
      return saved;
    } catch (error) {
      debug('%s: %O', path, error);
      return undefined;
    }
  }

  /** Saves a tree of which no inode was touched. */
  async save(key: string, saved: SavedTree): Promise<void> {
    const path = this.#path(key);
    try {
      makeDirectory(this.#directory);
      removeStaleDrafts(this.#directory);
      await saveTreeFile(path, key, saved);
      dropOldest(this.#directory, '.tree', this.#limit, `${key}.tree`);
    } catch (error) {
      debug('%s is not kept: %O', path, error);
    }
  }

  #path(key: string): string {
    return join(this.#directory, `${key}.tree`);
  }
}
