// ComparedImage: a merged image whose layers are known by their bytes, so that what two images share need not be read.
import type { InspectedImage } from './inspected-image.ts';
import { type MergedImage, mergeImage } from './merged-image.ts';
import type { ContentSource } from './same-bytes.ts';

export interface ComparedImage extends MergedImage {
  /** Of the layers, base first. */
  readonly sources: readonly ContentSource[];
}

/** Throws InputError as buildTree does. */
export function mergeForComparison(inspected: InspectedImage): ComparedImage {
  return { ...mergeImage(inspected), sources: contentSources(inspected) };
}

/** Of the layers, base first. A directory may change: it is the same only as itself. */
export function contentSources({ layers }: InspectedImage): ContentSource[] {
  return layers.map(({ layer, source }) => ({
    identity: source.kind === 'directory' ? layer : (layer.diffId ?? source.diffId ?? layer),
    reader: layer.reader,
  }));
}
