// ComparedImage: a merged image whose layers are identified by digest, so that a comparison skips layers that both share.
import type { TreeStore } from '../tree/tree-store.ts';
import type { InspectedImage } from './inspected-image.ts';
import { type MergedImage, mergeWithStore } from './merged-image.ts';
import type { ContentSource } from './same-bytes.ts';

export interface ComparedImage extends MergedImage {
  /** One source a layer, base first. */
  readonly sources: readonly ContentSource[];
}

/** Loads or saves the tree like `mergeWithStore`; rejects with an InputError like buildTree. */
export async function mergeForComparison(
  inspected: InspectedImage & { readonly trees?: TreeStore | undefined },
): Promise<ComparedImage> {
  return { ...(await mergeWithStore(inspected, inspected.trees)), sources: contentSources(inspected) };
}

/** The sources of the layers, base first. A directory has no digest (its content may change): it only equals itself. */
export function contentSources({ layers }: InspectedImage): ContentSource[] {
  return layers.map(({ layer, source }) => ({
    identity: source.kind === 'directory' ? layer : (layer.diffId ?? source.diffId ?? layer),
    reader: layer.reader,
  }));
}
