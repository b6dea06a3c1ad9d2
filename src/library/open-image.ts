// Opens images: a source, or the layers of a `lowerdir=`.
import { type InspectOptions, inspectImage, inspectLayers, inspectShown } from '../inspect/inspect.ts';
import { type Image, imageOf } from './image.ts';

export interface OpenOptions extends InspectOptions {
  /** False: of a mount its image alone, without what was written to it. */
  readonly showsUpper?: boolean | undefined;
}

/**
 * Opens the image that `source` names, and its layers: `docker-archive:PATH[:REF]`, `oci:DIR[:REF]`, `oci-archive:PATH[:REF]`,
 * `dir:DIR`, or a path that is looked into; or the mount point of a stratafs mount, which shows what was written to it, too.
 *
 * Layers that were never indexed are read once, and their indexes are kept in the cache directory. Rejects with an InputError
 * (its `code` says which) for what is not an image, does not say which of several, is malformed, or has another digest than it
 * states. The caller closes the image.
 *
 * @example
 * ```ts
 * import { openImage } from 'stratafs';
 *
 * await using image = await openImage('fixtures/expressweb.tar');
 * console.log(image.names, image.layers.length);
 * console.log(await image.readFile('/usr/src/app/README.md', 'utf8'));
 * ```
 */
export async function openImage(source: string, options: OpenOptions = {}): Promise<Image> {
  const { showsUpper = true, ...rest } = options;
  return imageOf(await (showsUpper ? inspectShown : inspectImage)(source, rest));
}

/**
 * Opens a stack of layers that is not an image, as `lowerdir=` names it: directories and tars, the topmost first, with colons between
 * them and a backslash before a colon in a name. Rejects as `openImage`.
 */
export async function openLowerDirectories(list: string, options: InspectOptions = {}): Promise<Image> {
  return imageOf(await inspectLayers(list, options));
}
