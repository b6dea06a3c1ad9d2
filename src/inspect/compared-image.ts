// ComparedImage: a merged image that knows where its files' bytes lie, so that equal ones need not be read.
import { Extent } from '../tree/tree.ts';
import type { InspectedImage } from './inspected-image.ts';
import { type MergedImage, mergeImage } from './merged-image.ts';

export interface ComparedImage extends MergedImage {
  /** The same text for regular files of one size whose bytes are the same; undefined where nothing tells. */
  placeOf(inode: number): string | undefined;
}

/** Throws InputError as buildTree does. */
export function mergeForComparison(inspected: InspectedImage): ComparedImage {
  const { tree, content } = mergeImage(inspected);
  const layers = inspected.layers.map(({ layer, source }) =>
    source.kind === 'directory' ? undefined : (layer.diffId ?? source.diffId),
  );
  const extent = new Extent();
  return {
    tree,
    content,
    placeOf: (inode) => {
      const size = tree.sizeOf(inode);
      if (size === 0) return 'empty';
      const diffId = layers[tree.layerOf(inode)];
      if (diffId === undefined) return undefined;
      tree.mapExtent(inode, 0, size, extent);
      return extent.length === size ? `${diffId} ${extent.blobOffset}` : undefined;
    },
  };
}
