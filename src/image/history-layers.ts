// Which step of an image's history made which layer (docs/formats.md, "Reading an image's history").
//
// The configs that we meet are not always consistent. Docker and BuildKit append a step for each layer that they add, also
// over a base image without history (nix2container, `buildah build --omit-history`): so where steps are missing, they are
// those of the base. Where there are too many, BuildKit takes the surplus steps at the end for steps without a layer.
import type { HistoryStep } from './image.ts';

/** By step: the number (base 0) of the layer that it made; undefined for a step that made none, or a surplus one. */
export function layersOfSteps(history: readonly HistoryStep[], layerCount: number): (number | undefined)[] {
  let next = Math.max(0, layerCount - countLayerSteps(history));
  return history.map(({ emptyLayer }) => {
    if (emptyLayer) return undefined;
    const layer = next++;
    return layer < layerCount ? layer : undefined;
  });
}

/** How many steps say that they made a layer. */
export function countLayerSteps(history: readonly HistoryStep[]): number {
  return history.filter(({ emptyLayer }) => !emptyLayer).length;
}
