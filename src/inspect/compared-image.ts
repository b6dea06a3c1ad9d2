// ComparedImage: a merged image whose layers are identified by digest, so that a comparison skips layers that both share.
import type { InspectedImage } from './inspected-image.ts';
import { type MergedImage, mergeImage } from './merged-image.ts';
import type { ContentSource } from './same-bytes.ts';

export interface ComparedImage extends MergedImage {
  /** One source a layer, base first. */
  readonly sources: readonly ContentSource[];
}

/** Throws InputError like buildTree. */
export function mergeForComparison(inspected: InspectedImage): ComparedImage {
  return { ...mergeImage(inspected), sources: contentSources(inspected) };
}

/** The sources of the layers, base first. A directory has no digest (its content may change): it only equals itself. */
export function contentSources({ layers }: InspectedImage): ContentSource[] {
  return layers.map(({ layer, source }) => ({
    identity: source.kind === 'directory' ? layer : (layer.diffId ?? source.diffId ?? layer),
    reader: layer.reader,
  }));
}
