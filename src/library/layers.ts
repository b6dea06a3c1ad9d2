// The layers of an image, and the steps of its history, each with the instruction that made it.
import {
  DockerfileWriter,
  type HistoryEntry as HistoryEntryOfImage,
  type InspectedImage,
  type LayerSummary,
  historyOf,
  instructionsOfLayers,
  summariseLayers,
} from '../inspect/inspect.ts';

/** A layer in figures. Layers are counted from 1 at the base. */
export interface LayerDetails extends LayerSummary {
  /** The instruction that made it, in Dockerfile's words; undefined where the image's history has none for it. */
  readonly instruction: string | undefined;
}

/** A step of the history. */
export interface HistoryEntry extends HistoryEntryOfImage {
  /** In Dockerfile's words; a comment where no builder wrote the step; undefined where nothing is known. */
  readonly instruction: string | undefined;
}

/** Base first. */
export function layersOf(inspected: InspectedImage): LayerDetails[] {
  const instructions = instructionsOfLayers(inspected);
  return summariseLayers(inspected).map((layer, i) => ({ ...layer, instruction: instructions[i] }));
}

/** Base first. */
export function stepsOf(inspected: InspectedImage): HistoryEntry[] {
  const writer = new DockerfileWriter();
  return historyOf(inspected).map((entry) => {
    const instruction = entry.step === undefined ? '' : writer.write(entry.step);
    return { ...entry, instruction: instruction === '' ? undefined : instruction };
  });
}

export { type LayerChanges, type LayerSummary, instructionsOfLayers } from '../inspect/inspect.ts';
