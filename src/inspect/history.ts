// The history of an image, each step with the layer that it made, as `docker history` joins them: the steps that
// made a layer take the layers in order, base first.
//
// A history may tell of fewer layers than there are, or of more, or be missing: what can't be joined stays apart.
import type { HistoryStep } from '../image/image.ts';
import { DockerfileWriter } from './dockerfile.ts';
import { type InspectedImage, isUpper } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';

export interface HistoryEntry {
  /** undefined: no step of the history tells of the layer. */
  readonly step: HistoryStep | undefined;
  /** undefined: the step made no layer, or made one that the image doesn't have. */
  readonly layer: LayerSummary | undefined;
}

/** Base first. */
export function historyOf(inspected: InspectedImage): HistoryEntry[] {
  const layers = summariseLayers(inspected);
  let made = 0;
  const entries: HistoryEntry[] = inspected.image.history.map((step) => ({
    step,
    layer: step.emptyLayer ? undefined : layers[made++],
  }));
  for (const layer of layers.slice(made)) entries.push({ step: undefined, layer });
  return entries;
}

/** The instruction that made each layer, in Dockerfile's words, base first; undefined where the history doesn't tell. */
export function instructionsOfLayers(inspected: Pick<InspectedImage, 'image'>): (string | undefined)[] {
  const writer = new DockerfileWriter();
  const { history, layers } = inspected.image;
  const written = history.map((step) => ({ step, instruction: writer.write(step) }));
  const made = written.filter(({ step }) => !step.emptyLayer);
  return layers.map((layer, i) => (isUpper(layer) ? undefined : made[i]?.instruction || undefined));
}

/** In what the history and the layers don't fit together; undefined where they do. */
export function historyGap(entries: readonly HistoryEntry[]): string | undefined {
  const untold = entries.filter(({ step }) => step === undefined).length;
  const layers = entries.filter(({ layer }) => layer !== undefined).length;
  if (untold > 0 && untold === layers) return 'the image has no history of its layers';
  if (untold > 0) return `the history tells of ${layers - untold} of ${layers} layers`;
  const surplus = entries.filter(
    ({ step, layer }) => step?.emptyLayer === false && layer === undefined,
  ).length;
  if (surplus > 0) return `the history tells of ${layers + surplus} layers, the image has ${layers}`;
  return undefined;
}
