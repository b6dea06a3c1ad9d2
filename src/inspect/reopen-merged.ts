// Opens the merged files of an image as an earlier command saved them: the tree is one file, and the layers' indexes, which
// are as large, are not loaded.
import { withDiskCache } from '../mount/cache-choice.ts';
import { reopenMergedLayers, treeStoreOf } from '../mount/layers.ts';
import { findMountedImage } from '../mount/mounted-image.ts';
import { withImage } from '../mount/open-image.ts';
import type { OpenImageOptions } from '../mount/options.ts';
import { viewSharing } from '../mount/sharing.ts';
import { FileContent } from './file-content.ts';
import type { MergedImage } from './merged-image.ts';

/** The merged files of an image; `close` closes its layers. */
export interface ReopenedImage extends MergedImage {
  close(): void;
}

/**
 * The merged files of the image that `source` names. undefined if they were not saved, and for a mount, which may show more
 * than its image. Throws InputError like `openImage`.
 */
export async function reopenMerged(
  source: string,
  imageOptions: OpenImageOptions & { readonly useIndexCache?: boolean | undefined } = {},
): Promise<ReopenedImage | undefined> {
  const options = withDiskCache(imageOptions);
  if (treeStoreOf(options) === undefined || (await findMountedImage(source)) !== undefined) return undefined;
  const merged = await withImage(source, options, (image) => reopenMergedLayers(image, viewSharing, options));
  if (merged === undefined) return undefined;
  const { tree, readers } = merged;
  return { tree, content: new FileContent(tree, readers), close: () => merged.close() };
}
