// The size of a layer, as docker counts it.
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { LayerIndex } from './layer-index.ts';

/**
 * Bytes of the regular files, holes included, each inode once: what `docker load` adds up from the headers. (Where its
 * store is overlay2, docker adds the targets of symlinks: a few KB more.)
 */
export function sizeOfLayer(index: LayerIndex): number {
  let size = 0;
  for (let inode = 0; inode < index.inodeCount; inode++) {
    if (((index.mode[inode] as number) & S_IFMT) === S_IFREG) size += index.size[inode] as number;
  }
  return size;
}
