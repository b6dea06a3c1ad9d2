// MergedImage: an image's layers merged to one tree, with its files readable without a mount.
import { nameLayer } from '../image/open-layers.ts';
import { buildTree } from '../tree/merge.ts';
import type { Tree } from '../tree/tree.ts';
import { FileContent } from './file-content.ts';
import type { InspectedImage } from './inspected-image.ts';

export interface MergedImage {
  readonly tree: Tree;
  readonly content: FileContent;
}

/** Throws InputError like buildTree. */
export function mergeImage({ image, layers }: InspectedImage): MergedImage {
  const tree = buildTree(
    layers.map(({ layer }) => layer.index),
    { nameLayer: (layer) => nameLayer(image, layer) },
  );
  return {
    tree,
    content: new FileContent(
      tree,
      layers.map(({ layer }) => layer.reader),
    ),
  };
}
