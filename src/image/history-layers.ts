// Assigns the layers of an image to the steps of its history (docs/formats.md, "Reading an image's history").
//
// Real configs are not always consistent. Docker and BuildKit append a step for each layer that they add, even if the
// base image has no history (nix2container, `buildah build --omit-history`). So missing steps are those of the base. If
// there are too many steps, BuildKit treats the surplus at the end as steps without a layer.
import type { HistoryStep } from './image.ts';

/** By step: the number (base 0) of the layer that it made; undefined for a step without a layer, or a surplus one. */
export function layersOfSteps(history: readonly HistoryStep[], layerCount: number): (number | undefined)[] {
  let next = Math.max(0, layerCount - countLayerSteps(history));
  return history.map(({ emptyLayer }) => {
    if (emptyLayer) return undefined;
    const layer = next++;
    return layer < layerCount ? layer : undefined;
  });
}

/** The number of steps that claim to have made a layer. */
export function countLayerSteps(history: readonly HistoryStep[]): number {
  return history.filter(({ emptyLayer }) => !emptyLayer).length;
}
