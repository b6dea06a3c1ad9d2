// InspectedImage: an image whose layers are open. All views start from it.
import type { Image, LayerSource } from '../image/image.ts';
import type { OpenedLayer } from '../image/open-layers.ts';
import { selectLayers } from '../image/select-layers.ts';

export interface InspectedImage {
  readonly image: Image;
  /** As `image.layers`, base first; lent by who opened them. */
  readonly layers: readonly OpenedLayer[];
}

/** The lowest `count` layers, and the steps of the history that made them. They stay lent by the one who opened them. */
export function stackUpTo({ image, layers }: InspectedImage, count: number): InspectedImage {
  const selected =
    count === 0 ? { ...image, layers: [], history: [] } : selectLayers(image, { upto: String(count) });
  return { image: selected, layers: layers.slice(0, count) };
}

/** True for the upper directory of a mount, which is a layer of what the mount shows. */
export function isUpper(source: LayerSource): boolean {
  return source.kind === 'directory' && source.upperMarks !== undefined;
}

/** RFC 3339, as the config has it; undefined where it doesn't tell. */
export function createdOf(image: Image): string | undefined {
  const { config } = image;
  if (typeof config !== 'object' || config === null || !('created' in config)) return undefined;
  return typeof config.created === 'string' && config.created !== '' ? config.created : undefined;
}
