// The images that sources hold, with what they share.
import { type ImageList, type InspectOptions, listImages as listImagesOf } from '../inspect/inspect.ts';

/**
 * The images of archives, layouts and mounts, the newest first, those that can't be opened too, with the reason; and what they share.
 * Rejects with an InputError for a source that holds no images at all.
 *
 * @example
 * ```ts
 * import { listImages } from 'stratafs';
 *
 * const { images } = await listImages('fixtures/expressweb-both.tar');
 * for (const { names, use } of images) console.log(names, use?.uniqueSize);
 * ```
 */
export function listImages(
  sources: string | readonly string[],
  options: InspectOptions = {},
): Promise<ImageList> {
  return listImagesOf(typeof sources === 'string' ? [sources] : sources, options);
}

export {
  type ImageList,
  type ImageSummary,
  type ListedImage,
  familiarName,
  peekImages,
  repositoryTags,
  sourcesOf,
} from '../inspect/inspect.ts';
