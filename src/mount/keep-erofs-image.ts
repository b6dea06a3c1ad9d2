// Saves the EROFS image of a stack of layers before its first mount by the EROFS driver.
import createDebug from 'debug';
import { placeLayers } from '../erofs/devices.ts';
import { erofsLayerNames, keyOfErofsImage } from '../erofs/image-key.ts';
import { ErofsImageStore } from '../erofs/image-store.ts';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import type { SavedTree } from '../tree/tree-file.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { InputError } from '../vfs/input-error.ts';

const debug = createDebug('stratafs:store');

/** The limit of what is copied from layers into an image that is saved, in bytes. */
export const MAX_COPIED_BYTES = 2 ** 28;

/**
 * Saves the image that a read-only mount of the layers needs, unless it is there. `readers`: one a layer, base first.
 * Layers that an image can't hold can't be mounted by that driver, which the mount then reports. Throws ErrnoError if a
 * layer can't be read.
 */
export async function keepErofsImage(
  cache: CacheDirectory,
  { tree, layersSize }: SavedTree,
  treeKey: string,
  readers: readonly BlobReader[],
): Promise<void> {
  const placed = placeLayers(readers);
  const form = { layerNames: erofsLayerNames(readers.length), isOverlayLower: false };
  const key = keyOfErofsImage(treeKey, placed, form);
  const store = new ErofsImageStore(cache);
  const saved = await store.load(key);
  saved?.close();
  if (saved !== undefined) return;
  try {
    await store.save(key, { tree, layersSize, ...placed, ...form, maxCopiedBytes: MAX_COPIED_BYTES });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    debug('no EROFS image: %s', error.message);
  }
}
