// Which images a source holds.
import { type ImageSummary, listImages as listImagesOf } from '../image/open-image.ts';
import { isRegistrySource } from '../image/source.ts';
import { type WithDiskCache, withDiskCache } from '../mount/cache-choice.ts';
import type { Image } from '../mount/mount.ts';
import { findMountedImage, reopenImage } from '../mount/mounted-image.ts';
import { openImageWith } from '../mount/open-image.ts';
import { InputError } from '../vfs/input-error.ts';
import { type FoundImage, type ImageList, listFoundImages } from './image-list.ts';
import { createdOf } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';
import { type DirectoryFacts, type InspectOptions, openLayersOf } from './open-inspection.ts';

/**
 * The images of `sources`; one that can't be opened is listed with its problem. Throws InputError for a source without
 * images.
 */
export async function listImages(
  sources: readonly string[],
  inspectOptions: InspectOptions = {},
): Promise<ImageList> {
  const options = withDiskCache(inspectOptions);
  const found: FoundImage[] = [];
  for (const source of sources) {
    const mounted = await findMountedImage(source);
    const summaries =
      mounted === undefined
        ? await listSource(source, options)
        : [summariseOne(await reopenImage(mounted, options))];
    for (const summary of summaries) {
      found.push(await readLayers(source, summary, mounted?.facts ?? {}, options));
    }
  }
  return listFoundImages(found);
}

/**
 * One source for each image of `source`: itself, or, if it is an archive of several images, `source:@N` for each. Throws
 * InputError like `openImage`.
 */
export async function sourcesOf(source: string, options: InspectOptions = {}): Promise<string[]> {
  if (isRegistrySource(source) || (await findMountedImage(source)) !== undefined) return [source];
  const summaries = await listImagesOf(source, {
    ...withDiskCache(options),
    notice: options.onNotice,
    progress: (done, total) => options.onProgress?.({ what: `unpacking ${source}`, done, total }),
    pipeProgress: (done) => options.onProgress?.({ what: `reading ${source}`, done, total: undefined }),
  });
  const images = summaries.filter(({ isArtifact, isMissing }) => !isArtifact && !isMissing);
  const places = [...new Set(images.map(({ index }) => index))];
  return places.length > 1 ? places.map((place) => `${source}:@${place}`) : [source];
}

/**
 * Lists the images of `source` without reading a layer or unpacking an archive; for a stratafs mount, its image. Throws
 * InputError like `openImage`.
 */
export async function peekImages(source: string): Promise<ImageSummary[]> {
  const mounted = await findMountedImage(source);
  const options = withDiskCache({ mayUnpack: false });
  if (mounted !== undefined) return [summariseOne(await reopenImage(mounted, options))];
  return listSource(source, options);
}

/** A registry gives one image, that of the platform. */
async function listSource(source: string, options: WithDiskCache<InspectOptions>): Promise<ImageSummary[]> {
  if (!isRegistrySource(source)) return listImagesOf(source, options);
  return [summariseOne(await openImageWith(source, options))];
}

function summariseOne(image: Image): ImageSummary {
  const { names, id, platform, layers } = image;
  return {
    ...{ index: 0, names, id, platform, image, layerCount: layers.length, created: createdOf(image) },
    ...{ problem: undefined, isArtifact: false, isMissing: false },
  };
}

async function readLayers(
  source: string,
  { image, ...summary }: ImageSummary,
  facts: DirectoryFacts,
  options: WithDiskCache<InspectOptions>,
): Promise<FoundImage> {
  if (image === undefined) return { ...summary, source, layers: undefined };
  try {
    return { ...summary, source, layers: await summariseClosed(image, options, facts) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ...summary, source, layers: undefined, problem: error.message };
  }
}

async function summariseClosed(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  facts: DirectoryFacts,
): Promise<LayerSummary[]> {
  try {
    const layers = await openLayersOf(image, options, facts);
    for (const { layer } of layers) layer.close();
    return summariseLayers({ image, layers });
  } finally {
    image.release?.();
  }
}
