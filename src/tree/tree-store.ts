// TreeStore: merged trees of earlier mounts, in the user's cache directory.
//
//   trees/<key>.tree   the merged tree of one stack of layers (src/tree/tree-file.ts)
//
// Every file appears whole, by rename. All of it may be deleted at any time. Where the directory can't be written
// or trusted, nothing is kept and nothing fails. The ones that were longest unused are dropped beyond a bound.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { removeStaleDrafts } from '../layer/drafts.ts';
import { dropOldest, noteUse } from '../layer/drop-oldest.ts';
import { type SavedTree, loadTreeFile, saveTreeFile } from './tree-file.ts';

const FOLDER = 'trees';
/** All that the directory holds unless told, in bytes on disk. */
const DIRECTORY_LIMIT = 2 ** 30;

/** What names the tree of layers whose uncompressed tars have these digests (DiffIDs), base first. */
export function keyOfTree(diffIds: readonly string[]): string {
  return createHash('sha256').update(diffIds.join(' ')).digest('hex');
}

export class TreeStore {
  readonly #cache: CacheDirectory;
  readonly #limit: number;

  /**
   * @param limit bytes on disk that the trees may take together; the one saved last stays in any case
   */
  constructor(cache: CacheDirectory, limit = DIRECTORY_LIMIT) {
    this.#cache = cache;
    this.#limit = limit;
  }

  /** The tree that was saved as `key`; undefined where none is, or none that can be used. */
  async load(key: string): Promise<SavedTree | undefined> {
    try {
      const folder = this.#cache.findFolder(FOLDER);
      if (folder === undefined) return undefined;
      const path = join(folder, `${key}.tree`);
      const saved = await loadTreeFile(path, key);
      if (saved !== undefined) noteUse(path);
      return saved;
    } catch (error) {
      this.#cache.report(error);
      return undefined;
    }
  }

  /** Saves a tree of which no inode was touched. */
  async save(key: string, saved: SavedTree): Promise<void> {
    try {
      const folder = this.#cache.makeFolder(FOLDER);
      removeStaleDrafts(folder);
      await saveTreeFile(join(folder, `${key}.tree`), key, saved);
      dropOldest(folder, '.tree', this.#limit, `${key}.tree`);
    } catch (error) {
      this.#cache.report(error);
    }
  }
}
