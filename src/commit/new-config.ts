// The config of a new image (OCI image-spec, config.md): the old config, including its unknown fields, with a history that
// has a step for the new layer.
import { countLayerSteps, layersOfSteps } from '../image/history-layers.ts';
import type { HistoryStep, Image } from '../image/image.ts';
import { InputError } from '../vfs/input-error.ts';
import { type ContainerConfig, applyInstructions } from './instructions.ts';

/** Node's names of architectures -> the names in images (GOARCH). */
const ARCHITECTURES = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
]);
/** Fields that describe the container from which `docker commit` made the old image. */
const CONTAINER_FIELDS = ['container', 'container_config'];

export interface NewConfig {
  /** Of all layers, base first. */
  readonly diffIds: readonly string[];
  /** The steps of all layers, in order. */
  readonly history: readonly HistoryStep[];
  readonly instructions: readonly string[];
  /** RFC 3339. */
  readonly created: string;
}

/** The bytes of the config. InputError for an invalid instruction. */
export function makeConfig(image: Image, { diffIds, history, instructions, created }: NewConfig): Buffer {
  const oldConfig = recordOf(image.config) ?? {
    architecture: ARCHITECTURES.get(process.arch) ?? process.arch,
    os: 'linux',
  };
  const fields = Object.entries(oldConfig).filter(([name]) => !CONTAINER_FIELDS.includes(name));
  return Buffer.from(
    JSON.stringify({
      ...Object.fromEntries(fields),
      created,
      config: applyInstructions(recordOf(oldConfig['config']) ?? {}, instructions),
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: history.map(writtenStep),
    }),
  );
}

/**
 * The steps of `image` for its lowest `count` layers, and the steps between them. A layer without a step gets one, and a
 * surplus step counts as a step without a layer: Docker and buildah refuse an image in which the two numbers differ.
 */
export function keptHistory({ history, layers }: Image, count: number): HistoryStep[] {
  const missing = Math.max(0, layers.length - countLayerSteps(history));
  const steps: HistoryStep[] = Array.from({ length: Math.min(missing, count) }, () => ({
    comment: 'the history had no step for this layer',
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

/** SOURCE_DATE_EPOCH (reproducible-builds.org), or now. InputError if it is not a number of seconds. */
export function creationTime(epoch: string | undefined): string {
  if (epoch === undefined || epoch === '') return new Date().toISOString();
  const time = /^\d{1,12}$/.test(epoch) ? new Date(1000 * Number(epoch)) : undefined;
  if (time === undefined) {
    throw new InputError(`SOURCE_DATE_EPOCH=${epoch}: expected a number of seconds since 1970`);
  }
  return time.toISOString().replace('.000Z', 'Z');
}

/** InputError for an image whose config exists and can't be read. */
export function refuseLostConfig(image: Image): void {
  if (image.id === undefined || recordOf(image.config) !== undefined) return;
  throw new InputError(`${image.source}: its config can't be read, so a new image can't be based on it`);
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
