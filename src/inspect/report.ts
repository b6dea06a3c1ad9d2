// Collects the content of `stratafs report`: the figures of history, layers, waste and images, and all bytes by path.
import { showPlatform } from '../image/platform.ts';
import type { HistoryStep } from '../image/image.ts';
import type { OpenedLayer } from '../image/open-layers.ts';
import type { Tree } from '../tree/tree.ts';
import { showLines, showText } from '../vfs/show-text.ts';
import { DockerfileWriter } from './dockerfile.ts';
import { historyGap, historyOf } from './history.ts';
import { type InspectedImage, createdOf, isUpper, stackUpTo } from './inspected-image.ts';
import { countChanges } from './layer-changes.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';
import {
  REPORT_FORMAT,
  type ReportComparison,
  type ReportData,
  type ReportImage,
  type ReportLayer,
  type ReportStep,
  type SharedLayer,
} from './report-format.ts';
import { buildReportTree } from './report-tree.ts';
import { keyOf, shareLayers } from './shared-layers.ts';
import { type Waste, findWaste } from './waste.ts';

/** One image, without the figures of shared layers, which need all images. */
export interface ReportedImage {
  readonly image: Omit<ReportImage, 'sharedSize'>;
  readonly layers: readonly LayerSummary[];
  /** The number of names that are folded, and the bytes of the largest. */
  readonly foldedCount: number;
  readonly threshold: number;
}

/** `tree`: of `inspected`. `nameLimit`: the most names that are listed. Throws InputError like stackOf. */
export function reportImage(
  inspected: InspectedImage,
  tree: Tree,
  source: string,
  nameLimit: number,
): ReportedImage {
  const { image } = inspected;
  const layers = summariseLayers(inspected);
  const waste = findWaste(inspected);
  const { columns, foldedCount, threshold } = buildReportTree(tree, waste.paths, nameLimit);
  return {
    image: {
      source: showText(source),
      names: image.names.map(showText),
      id: image.id,
      platform: image.platform === undefined ? undefined : showText(showPlatform(image.platform)),
      created: shownText(createdOf(image)),
      gap: historyGap(historyOf(withoutUpper(inspected))),
      size: waste.totalBytes,
      wasted: waste.wastedBytes,
      efficiency: waste.efficiency,
      layers: describeLayers(inspected, layers, waste),
      steps: describeSteps(inspected),
      nodes: columns,
    },
    layers,
    foldedCount,
    threshold,
  };
}

/** The history describes the image, not what was written to its mount. */
function withoutUpper(inspected: InspectedImage): InspectedImage {
  const count = inspected.image.layers.filter((layer) => !isUpper(layer)).length;
  return count === inspected.layers.length ? inspected : stackUpTo(inspected, count);
}

/** Adds the figures of layers that several images share. */
export function joinReport(
  reported: readonly ReportedImage[],
  version: string,
  comparison?: ReportComparison,
): ReportData {
  const { images: uses, totalSize } = shareLayers(reported.map(({ layers }) => layers));
  return {
    format: REPORT_FORMAT,
    version,
    images: reported.map(({ image }, i) => ({ ...image, sharedSize: uses[i]?.sharedSize ?? 0 })),
    totalSize,
    shared: findShared(reported),
    comparison,
  };
}

function describeLayers(
  inspected: InspectedImage,
  layers: readonly LayerSummary[],
  waste: Waste,
): ReportLayer[] {
  const changes = countChanges(inspected);
  return layers.map(({ number, diffId, chainId, compression, size, storedSize }, i) => ({
    ...{ number, diffId, chainId, compression, size, storedSize },
    isUpper: isUpper((inspected.layers[i] as OpenedLayer).source) ? true : undefined,
    wasted: waste.layers[i]?.wasted ?? 0,
    hides: waste.layers[i]?.hides ?? 0,
    ...(changes[i] ?? { added: 0, changed: 0, deleted: 0 }),
  }));
}

function describeSteps(inspected: InspectedImage): ReportStep[] {
  const writer = new DockerfileWriter();
  return historyOf(inspected).map(({ step, layer }) => ({
    ...(step === undefined ? {} : describeStep(step, writer)),
    layer: layer?.number,
  }));
}

function describeStep(step: HistoryStep, writer: DockerfileWriter): ReportStep {
  return {
    instruction: shownText(writer.write(step)),
    createdBy: shownText(step.createdBy),
    created: shownText(step.created),
    comment: shownText(step.comment),
  };
}

/** Keeps line ends; undefined for an empty text. */
function shownText(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return showLines(text);
}

/** Counts like shareLayers: images of equal stacks are one image, so their layers are not shared layers. */
function findShared(reported: readonly ReportedImage[]): SharedLayer[] {
  const found = new Map<string, { layer: SharedLayer; numbers: number[]; stacks: Set<string> }>();
  reported.forEach(({ image, layers }, i) => {
    const stack = layers.map(keyOf).join();
    for (const layer of layers) {
      const { number, size, chainId } = layer;
      const key = keyOf(layer);
      const { instruction } = image.steps.find((step) => step.layer === number) ?? {};
      const numbers = found.get(key)?.numbers ?? reported.map(() => 0);
      const use = found.get(key) ?? {
        layer: { size, instruction, chainId, numbers },
        numbers,
        stacks: new Set(),
      };
      found.set(key, use);
      numbers[i] = number;
      use.stacks.add(stack);
    }
  });
  return [...found.values()].filter(({ stacks }) => stacks.size > 1).map(({ layer }) => layer);
}
