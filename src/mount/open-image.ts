// Images as callers of the library name them: a source, or the layers of a `lowerdir=`.
import type { Image } from '../image/image.ts';
import { openLowerStack } from '../image/lower-stack.ts';
import { type OpenImageSourceOptions, openImageSource } from '../image/open-image.ts';
import { isRegistrySource } from '../image/source.ts';
import { type LayerSelection, selectLayers } from '../image/select-layers.ts';
import { InputError } from '../vfs/input-error.ts';
import { type WithDiskCache, withDiskCache } from './cache-choice.ts';
import type { OpenImageOptions } from './options.ts';

/**
 * The image that `source` names (containers-transports(5), or a path that is looked into), its layers found but not
 * read. InputError if it is not an image, or does not say which of several.
 */
export function openImage(source: string, options: OpeningOptions = {}): Promise<Image> {
  return openImageWith(source, withDiskCache(options));
}

type OpeningOptions = OpenImageOptions & Pick<OpenImageSourceOptions, 'onBrokenConfig'>;

/** The same with a cache directory that was opened before. */
export async function openImageWith(source: string, options: WithDiskCache<OpeningOptions>): Promise<Image> {
  const { onNotice, onProgress, ...rest } = options;
  if (isRegistrySource(source)) {
    // Completion in a shell asks nobody.
    if (options.mayUnpack === false)
      throw new InputError(`${source}: is in a registry, which is not asked for this`);
    const { openRegistryImage } = await import('../remote/open-registry-image.ts');
    return openRegistryImage(source, rest);
  }
  return openImageSource(source, {
    ...rest,
    notice: onNotice,
    progress: (done, total) => onProgress?.({ what: `unpacking ${source}`, done, total }),
    pipeProgress: (done) => onProgress?.({ what: `reading ${source}`, done, total: undefined }),
  });
}

/** Calls `use` with the image, which is released afterwards if it was opened here. */
export async function withImage<T>(
  image: string | Image,
  options: WithDiskCache<OpeningOptions>,
  use: (image: Image) => Promise<T>,
): Promise<T> {
  if (typeof image !== 'string') return use(image);
  const opened = await openImageWith(image, options);
  try {
    return await use(opened);
  } finally {
    opened.release?.();
  }
}

/** The bare stack of a `lowerdir=` value: topmost first, tars and directories, a backslash escaping ':'. */
export async function openLowerDirectories(list: string, options: LayerSelection = {}): Promise<Image> {
  return selectLayers(await openLowerStack(list), options);
}
