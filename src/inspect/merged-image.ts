// MergedImage: an image's layers merged to one tree, with its files readable without a mount.
import { nameLayer } from '../image/open-layers.ts';
import { treeOf } from '../mount/layers.ts';
import { buildTree } from '../tree/merge.ts';
import type { TreeStore } from '../tree/tree-store.ts';
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
  return withContent(tree, layers);
}

/** Like `mergeImage`; the tree is loaded from `trees`, or merged and saved there. */
export async function mergeWithStore(
  { image, layers }: InspectedImage,
  trees: TreeStore | undefined,
): Promise<MergedImage> {
  const { tree } = await treeOf(image, layers, { trees, forbidsUnfollowed: false });
  return withContent(tree, layers);
}

function withContent(tree: Tree, layers: InspectedImage['layers']): MergedImage {
  const readers = layers.map(({ layer }) => layer.reader);
  return { tree, content: new FileContent(tree, readers) };
}
