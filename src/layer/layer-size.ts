// The size of a layer, computed as docker does.
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { LayerIndex } from './layer-index.ts';

/**
 * Bytes of the regular files, including holes, each inode once: `docker load` adds up the same from the headers. (With
 * the overlay2 store docker adds the targets of symlinks, a few KB.)
 */
export function sizeOfLayer(index: LayerIndex): number {
  let size = 0;
  for (let inode = 0; inode < index.inodeCount; inode++) {
    if (((index.mode[inode] as number) & S_IFMT) === S_IFREG) size += index.size[inode] as number;
  }
  return size;
}
