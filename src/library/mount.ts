// Mounts an image from this process. It loads nothing of what reads images without a mount: a mount starts fast.
import {
  type Image as ImageDescription,
  type IndexedLayer,
  type Mount,
  type MountOptions,
  type OpenImageOptions,
  indexImage as indexLayers,
  mount as mountImage,
} from '../mount/mount.ts';
import type { Image } from './image.ts';

/** An image as `mount` and `indexImage` take it: a source, an image that is open, or its description. */
export type ImageOrSource = string | Image | ImageDescription;

/**
 * Mounts an image on `mountpoint` and serves it from this process; resolves when the mount answers. Read-only unless
 * `options.upper` says where writes go. Needs /dev/fuse, and root or fusermount3. Rejects with an InputError where the image, the
 * directories or the machine do not allow it; then nothing is left behind.
 *
 * The process answers the kernel's requests on its own event loop, so it must not touch its own mount synchronously
 * (`fs.readFileSync` and the like): it would wait for itself for ever. Use child processes, or a few calls of node:fs/promises at a
 * time.
 *
 * An image that is open stays the caller's, and may be closed while it is mounted.
 */
export function mount(
  image: ImageOrSource,
  mountpoint: string,
  options: MountOptions & OpenImageOptions = {},
): Promise<Mount> {
  return mountImage(describe(image), mountpoint, options);
}

/** Makes the indexes of an image's layers, so that its first mount finds them; base first. */
export function indexImage(
  image: ImageOrSource,
  options: MountOptions & OpenImageOptions = {},
): Promise<IndexedLayer[]> {
  return indexLayers(describe(image), options);
}

function describe(image: ImageOrSource): string | ImageDescription {
  return typeof image === 'object' && 'description' in image ? image.description : image;
}

export {
  type IndexedLayer,
  type Progress,
  type PushedIndex,
  pushIndexes,
  openLowerDirectories as describeLowerDirectories,
} from '../mount/mount.ts';
