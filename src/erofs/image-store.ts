// ErofsImageStore: EROFS images of earlier mounts, in the user's cache directory, beside the merged trees.
//
//   trees/<key>.erofs   the image of one stack of layers in certain files (image-file.ts, image-key.ts)
//
// The rules are those of TreeStore, and the limit is common to both.
import { join } from 'node:path';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import { removeStaleDrafts } from '../sys/drafts.ts';
import { noteUse } from '../layer/drop-oldest.ts';
import { TREES_FOLDER, TREES_LIMIT, dropOldestTrees } from '../tree/tree-store.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { UntrustedError } from '../layer/saved-file.ts';
import { type OpenErofsImage, type SavedErofsSource, loadErofsImage, saveErofsImage } from './image-file.ts';

export class ErofsImageStore {
  readonly #cache: CacheDirectory;
  readonly #limit: number;

  /** @param limit bytes on disk for all trees and images together */
  constructor(cache: CacheDirectory, limit = TREES_LIMIT) {
    this.#cache = cache;
    this.#limit = limit;
  }

  /** The image that was saved under `key`, owned by the caller; undefined if there is none, or if it can't be used. */
  async load(key: string): Promise<OpenErofsImage | undefined> {
    try {
      const folder = this.#cache.findFolder(TREES_FOLDER);
      if (folder === undefined) return undefined;
      const path = join(folder, `${key}.erofs`);
      const image = await loadErofsImage(path, key);
      if (image !== undefined) noteUse(path);
      return image;
    } catch (error) {
      this.#cache.report(error);
      return undefined;
    }
  }

  /**
   * Writes an image and saves it. False if the cache directory can't be written or trusted. Throws InputError for what
   * an image can't hold, ErrnoError if a layer can't be read.
   */
  async save(key: string, source: SavedErofsSource): Promise<boolean> {
    try {
      const folder = this.#cache.makeFolder(TREES_FOLDER);
      removeStaleDrafts(folder);
      await saveErofsImage(join(folder, `${key}.erofs`), key, source);
      dropOldestTrees(folder, this.#limit, `${key}.erofs`);
      return true;
    } catch (error) {
      if (!isOfCache(error)) throw error;
      this.#cache.report(error);
      return false;
    }
  }
}

/** True if the cache directory is the reason, and not the layers. */
function isOfCache(error: unknown): boolean {
  if (error instanceof UntrustedError) return true;
  return error instanceof Error && 'syscall' in error && !(error instanceof ErrnoError);
}
