// `--layer N` selects one layer, `--upto N` the stack up to a layer. N counts from 1 at the base, or is a prefix of a
// layer's DiffID or digest.
import { InputError } from '../vfs/input-error.ts';
import { PREFIX_MINIMUM } from './choose.ts';
import { layersOfSteps } from './history-layers.ts';
import type { HistoryStep, Image, LayerSource } from './image.ts';
import { showText } from '../vfs/show-text.ts';

/** At most one of the two. */
export interface LayerSelection {
  readonly layer?: string | undefined;
  readonly upto?: string | undefined;
  /** How the user named the layer, for errors; by default that is `--layer=N` or `--upto=N`. */
  readonly typed?: string | undefined;
}

/** The image with fewer layers, and the history steps that made them. Throws InputError for an unknown layer. */
export function selectLayers(image: Image, { layer, upto, typed }: LayerSelection): Image {
  if (layer !== undefined && upto !== undefined) {
    throw new InputError('--layer and --upto: found both, expected one of them');
  }
  const text = layer ?? upto;
  if (text === undefined) return image;
  const number = findLayer(image, layer === undefined ? '--upto' : '--layer', text, typed);
  const isAlone = layer !== undefined;
  return {
    ...image,
    layers: image.layers.slice(isAlone ? number - 1 : 0, number),
    history: isAlone ? stepsUpTo(image, number).slice(-1) : stepsUpTo(image, number),
  };
}

function findLayer(image: Image, option: string, text: string, typed: string | undefined): number {
  const { layers } = image;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= layers.length) return Number(text);
  const numbers = layers.flatMap((layer, i) => (hasPrefix(layer, text) ? [i + 1] : []));
  // One layer may occur at several places of the stack; alone it is the same layer.
  const isOneLayer =
    new Set(numbers.map((number) => digestsOf(layers[number - 1] as LayerSource).join())).size === 1;
  if (numbers.length === 1 || (option === '--layer' && isOneLayer)) return numbers[0] as number;
  const shown = showText(typed ?? `${option}=${text}`);
  if (numbers.length > 1) {
    const found = numbers.map((number) => layerLine(layers, number)).join('\n');
    throw new InputError(
      `${shown}: means several layers of ${showText(image.source)}; choose by number\n${found}`,
    );
  }
  const all = layers.map((_, i) => layerLine(layers, i + 1)).join('\n');
  throw new InputError(
    `${shown}: there is no such layer; ${showText(image.source)} has these, base first\n${all}`,
    { code: 'ERR_STRATAFS_NO_LAYER' },
  );
}

function layerLine(layers: readonly LayerSource[], number: number): string {
  const layer = layers[number - 1] as LayerSource;
  const width = String(layers.length).length;
  const place = layer.kind === 'directory' ? layer.path : layer.kind === 'blob' ? layer.blob.path : '';
  const name = digestsOf(layer)[0] ?? place;
  return `  ${String(number).padStart(width)}  ${showText(name)}`;
}

/** The DiffID comes first. */
function digestsOf(layer: LayerSource): string[] {
  if (layer.kind === 'directory') return [];
  return [layer.diffId, layer.digest].filter((digest) => digest !== undefined);
}

function hasPrefix(layer: LayerSource, text: string): boolean {
  const hex = text.toLowerCase().replace(/^sha256:/, '');
  if (hex.length < PREFIX_MINIMUM) return false;
  return digestsOf(layer).some((digest) => digest.startsWith(`sha256:${hex}`));
}

/** The history steps up to the one that made layer `number`; none if the history has no step for it. */
function stepsUpTo({ history, layers }: Image, number: number): readonly HistoryStep[] {
  const last = layersOfSteps(history, layers.length).indexOf(number - 1);
  return history.slice(0, last + 1);
}
