// The history of an image: each step with the layer that it made. image/history-layers.ts matches steps with layers; a
// step or a layer without a counterpart is an entry of its own.
import { layersOfSteps } from '../image/history-layers.ts';
import type { HistoryStep, LayerSource } from '../image/image.ts';
import { DockerfileWriter } from './dockerfile.ts';
import { type InspectedImage, isUpper } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';

export interface HistoryEntry {
  /** undefined: the history has no step for the layer. */
  readonly step: HistoryStep | undefined;
  /** undefined: the step made no layer, or one that the image doesn't have. */
  readonly layer: LayerSummary | undefined;
}

/** Base first. Layers without a step are listed at their place in the stack: at the base, and an upper directory on top. */
export function historyOf(inspected: InspectedImage): HistoryEntry[] {
  const layers = summariseLayers(inspected);
  const { history, layers: sources } = inspected.image;
  const layerOf = layersOfSteps(history, countImageLayers(sources));
  const first = layerOf.find((layer) => layer !== undefined) ?? layers.length;
  const last = layerOf.findLast((layer) => layer !== undefined) ?? layers.length;
  const alone = (layer: LayerSummary): HistoryEntry => ({ step: undefined, layer });
  return [
    ...layers.slice(0, first).map(alone),
    ...history.map((step, i) => ({ step, layer: layers[layerOf[i] ?? -1] })),
    ...layers.slice(last + 1).map(alone),
  ];
}

/** The Dockerfile instruction that made each layer, base first; undefined where the history has none. */
export function instructionsOfLayers(inspected: Pick<InspectedImage, 'image'>): (string | undefined)[] {
  const writer = new DockerfileWriter();
  const { history, layers } = inspected.image;
  const found = layers.map((): string | undefined => undefined);
  const layerOf = layersOfSteps(history, countImageLayers(layers));
  for (const [i, step] of history.entries()) {
    // Convert every step, also those without a layer: a SHELL changes how later RUNs are written.
    const instruction = writer.write(step);
    const layer = layerOf[i];
    if (layer !== undefined && instruction !== '') found[layer] = instruction;
  }
  return found;
}

/** The number of layers that the history may describe: all but the upper directory of a mount. */
function countImageLayers(layers: readonly LayerSource[]): number {
  return layers.filter((layer) => !isUpper(layer)).length;
}

/** Says how the numbers of steps and of layers differ; undefined if they are equal. */
export function historyGap(entries: readonly HistoryEntry[]): string | undefined {
  const missing = entries.filter(({ step }) => step === undefined).length;
  const layers = entries.filter(({ layer }) => layer !== undefined).length;
  if (missing > 0 && missing === layers) return 'the image has no history of its layers';
  if (missing > 0) {
    return `the history has steps for ${layers - missing} of ${layers} layers; they are taken for the topmost`;
  }
  const surplus = entries.filter(
    ({ step, layer }) => step?.emptyLayer === false && layer === undefined,
  ).length;
  if (surplus === 0) return undefined;
  return `the history has steps for ${layers + surplus} layers, the image has ${layers}; the last steps are taken to have made none`;
}
