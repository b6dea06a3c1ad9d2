// InspectedImage: an image whose layers are open. All views start from it.
import type { Image, LayerSource } from '../image/image.ts';
import type { OpenedLayer } from '../image/open-layers.ts';
import { selectLayers } from '../image/select-layers.ts';

export interface InspectedImage {
  readonly image: Image;
  /** In the order of `image.layers`, base first. The caller who opened them closes them. */
  readonly layers: readonly OpenedLayer[];
}

/** The lowest `count` layers, and the steps of the history that made them. The layers stay owned by `inspected`'s opener. */
export function stackUpTo({ image, layers }: InspectedImage, count: number): InspectedImage {
  if (count === layers.length) return { image, layers };
  // The history has no step for an upper directory.
  const below = { ...image, layers: image.layers.filter((layer) => !isUpper(layer)) };
  const selected =
    count === 0 ? { ...image, layers: [], history: [] } : selectLayers(below, { upto: String(count) });
  return { image: selected, layers: layers.slice(0, count) };
}

/** True for the upper directory of a mount, which is the topmost layer of the mounted tree. */
export function isUpper(source: LayerSource): boolean {
  return source.kind === 'directory' && source.upperMarks !== undefined;
}

/** RFC 3339, unchanged from the config; undefined if the config has no date. */
export function createdOf(image: Image): string | undefined {
  const { config } = image;
  if (typeof config !== 'object' || config === null || !('created' in config)) return undefined;
  return typeof config.created === 'string' && config.created !== '' ? config.created : undefined;
}
