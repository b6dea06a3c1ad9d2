// Images as callers of the library name them: a source, or the layers of a `lowerdir=`.
import type { Image } from '../image/image.ts';
import { openLowerStack } from '../image/lower-stack.ts';
import { type OpenImageSourceOptions, openImageSource } from '../image/open-image.ts';
import { type LayerSelection, selectLayers } from '../image/select-layers.ts';
import { type OpenImageOptions, defaultCacheDirectory } from './options.ts';

/**
 * The image that `source` names (containers-transports(5), or a path that is looked into), its layers found but not
 * read. InputError for what is no image, or doesn't say which of several.
 */
export function openImage(
  source: string,
  options: OpenImageOptions & Pick<OpenImageSourceOptions, 'onBrokenConfig'> = {},
): Promise<Image> {
  const { onNotice, onProgress, ...rest } = options;
  return openImageSource(source, {
    ...rest,
    cacheDirectory: options.cacheDirectory ?? defaultCacheDirectory(),
    notice: onNotice,
    progress: (done, total) => onProgress?.({ what: `unpacking ${source}`, done, total }),
  });
}

/** The bare stack of a `lowerdir=` value: topmost first, tars and directories, a backslash escaping ':'. */
export async function openLowerDirectories(list: string, options: LayerSelection = {}): Promise<Image> {
  return selectLayers(await openLowerStack(list), options);
}
