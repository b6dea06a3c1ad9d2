// MergedImage: an image's layers as one tree, whose files can be looked up and read without a mount.
import { nameLayer } from '../image/open-layers.ts';
import { buildTree } from '../tree/merge.ts';
import type { Tree } from '../tree/tree.ts';
import { S_IFLNK, S_IFMT } from '../vfs/attr.ts';
import { FileContent } from './file-content.ts';
import type { InspectedImage } from './inspected-image.ts';

export interface MergedImage {
  readonly tree: Tree;
  readonly content: FileContent;
}

/** Throws InputError as buildTree does. */
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

/** As the kernel's MAXSYMLINKS. */
const LINK_LIMIT = 40;

/**
 * The inode of a path as open(2) finds it within the image: symlinks are followed, the last one too, and never lead
 * out. Bytes as latin1. -1 where there is none.
 */
export function resolvePath(tree: Tree, path: string): number {
  const pending = partsOf(path).reverse();
  let inode = 0;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (!tree.isDirectory(inode)) return -1;
    if (name === '..') {
      inode = tree.parentOf(inode);
      continue;
    }
    const found = tree.lookup(inode, Buffer.from(name, 'latin1'));
    if (found < 0) return -1;
    if ((tree.modeOf(found) & S_IFMT) !== S_IFLNK) {
      inode = found;
      continue;
    }
    if (++links > LINK_LIMIT) return -1;
    const target = Buffer.from(tree.readlink(found)).toString('latin1');
    pending.push(...partsOf(target).reverse());
    if (target.startsWith('/')) inode = 0;
  }
  return inode;
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');
