// The LayerStack of an image that is open.
import { nameLayer } from '../image/open-layers.ts';
import type { InspectedImage } from './inspected-image.ts';
import { LayerStack } from './stack-walk.ts';

/** Throws InputError for hard links whose target no lower layer has. */
export function stackOf({ image, layers }: InspectedImage): LayerStack {
  return new LayerStack(
    layers.map(({ layer }) => layer.index),
    (layer) => nameLayer(image, layer),
  );
}
