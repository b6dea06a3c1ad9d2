// TreeStore: merged trees of earlier mounts, in the user's cache directory.
//
//   trees/<key>.tree   the merged tree of one stack of layers (src/tree/tree-file.ts)
//
// Files appear atomically, by rename, and can be deleted at any time. If the directory can't be written or trusted,
// nothing is saved, and that is not an error. Beyond a size limit the least recently used trees are deleted.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { removeStaleDrafts } from '../sys/drafts.ts';
import { dropOldest, noteUse } from '../layer/drop-oldest.ts';
import { type SavedTree, loadTreeFile, saveTreeFile } from './tree-file.ts';

/** The folder of the cache directory. It also has the EROFS images of the same layers (src/erofs/image-store.ts). */
export const TREES_FOLDER = 'trees';
/** Default limit of the folder, in bytes on disk. */
export const TREES_LIMIT = 2 ** 30;

/** Deletes the least recently used files of the folder beyond `limit` bytes, but not `protectedName`. Throws Node's errors. */
export function dropOldestTrees(folder: string, limit: number, protectedName: string): void {
  dropOldest(folder, ['.tree', '.erofs'], limit, (name) => name === protectedName);
}

/** The key of a stack of layers, from the digests of their uncompressed tars (DiffIDs), base first. */
export function keyOfTree(diffIds: readonly string[]): string {
  return createHash('sha256').update(diffIds.join(' ')).digest('hex');
}

export class TreeStore {
  readonly #cache: CacheDirectory;
  readonly #limit: number;

  /** @param limit bytes on disk for all trees and EROFS images together; the tree saved last stays even if it exceeds them */
  constructor(cache: CacheDirectory, limit = TREES_LIMIT) {
    this.#cache = cache;
    this.#limit = limit;
  }

  /** The tree that was saved under `key`; undefined if there is none, or if it can't be used. */
  async load(key: string): Promise<SavedTree | undefined> {
    try {
      const folder = this.#cache.findFolder(TREES_FOLDER);
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

  /** Saves a tree; all its inodes must be pristine. */
  async save(key: string, saved: SavedTree): Promise<void> {
    try {
      const folder = this.#cache.makeFolder(TREES_FOLDER);
      removeStaleDrafts(folder);
      await saveTreeFile(join(folder, `${key}.tree`), key, saved);
      dropOldestTrees(folder, this.#limit, `${key}.tree`);
    } catch (error) {
      this.#cache.report(error);
    }
  }
}
