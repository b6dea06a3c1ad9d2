// The config of a new image (OCI image-spec, config.md): that of the old one, with what was not understood, and a history
// that tells of the new layer.
import { countLayerSteps, layersOfSteps } from '../image/history-layers.ts';
import type { HistoryStep, Image } from '../image/image.ts';
import { InputError } from '../vfs/input-error.ts';
import { type ContainerConfig, applyInstructions } from './instructions.ts';

/** node's names of architectures -> those of images (GOARCH). */
const ARCHITECTURES = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
]);
/** Of the container that docker commit made an image of: not of this one. */
const CONTAINER_FIELDS = ['container', 'container_config'];

export interface NewConfig {
  /** Base first, all layers. */
  readonly diffIds: readonly string[];
  /** Told with the layers, in order. */
  readonly history: readonly HistoryStep[];
  readonly instructions: readonly string[];
  /** RFC 3339. */
  readonly created: string;
}

/** As the config has it. InputError for instructions that are none. */
export function makeConfig(image: Image, { diffIds, history, instructions, created }: NewConfig): Buffer {
  const known = recordOf(image.config) ?? {
    architecture: ARCHITECTURES.get(process.arch) ?? process.arch,
    os: 'linux',
  };
  const kept = Object.entries(known).filter(([name]) => !CONTAINER_FIELDS.includes(name));
  return Buffer.from(
    JSON.stringify({
      ...Object.fromEntries(kept),
      created,
      config: applyInstructions(recordOf(known['config']) ?? {}, instructions),
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: history.map(writtenStep),
    }),
  );
}

/**
 * The steps of `image` that made its lowest `count` layers, and those between them. A layer without a step gets one, and a
 * surplus step makes no layer: Docker and buildah refuse an image that has another number of steps than layers.
 */
export function keptHistory({ history, layers }: Image, count: number): HistoryStep[] {
  const missing = Math.max(0, layers.length - countLayerSteps(history));
  const steps: HistoryStep[] = Array.from({ length: Math.min(missing, count) }, () => ({
    comment: 'the history did not tell of this layer',
    emptyLayer: false,
  }));
  const layerOf = layersOfSteps(history, layers.length);
  for (const [i, step] of history.entries()) {
    const layer = layerOf[i];
    if (layer !== undefined && layer >= count) break;
    steps.push({ ...step, emptyLayer: layer === undefined });
  }
  return steps;
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org), or now. InputError where that is no number of seconds. */
export function creationTime(epoch: string | undefined): string {
  if (epoch === undefined || epoch === '') return new Date().toISOString();
  const time = /^\d{1,12}$/.test(epoch) ? new Date(1000 * Number(epoch)) : undefined;
  if (time === undefined) {
    throw new InputError(`SOURCE_DATE_EPOCH=${epoch}: expected a number of seconds since 1970`);
  }
  return time.toISOString().replace('.000Z', 'Z');
}

/** An image whose config is there and can't be read can't be continued. */
export function refuseLostConfig(image: Image): void {
  if (image.id === undefined || recordOf(image.config) !== undefined) return;
  throw new InputError(`${image.source}: its config can't be read, so no image can be made of it`);
}

function writtenStep({ created, createdBy, author, comment, emptyLayer }: HistoryStep): object {
  return {
    ...(created === undefined ? {} : { created }),
    ...(createdBy === undefined ? {} : { created_by: createdBy }),
    ...(author === undefined ? {} : { author }),
    ...(comment === undefined ? {} : { comment }),
    ...(emptyLayer ? { empty_layer: true } : {}),
  };
}

function recordOf(value: unknown): ContainerConfig | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ContainerConfig)
    : undefined;
}
