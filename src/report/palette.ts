// The colours of layers: hues in the order of the rainbow, from blue at the base upwards, like strata. The lightness
// depends on the light or dark scheme and is set by style/colours.css; neighbours with similar hues differ in it.
import { Change } from './changes.ts';
import { element } from './dom.ts';
import { fileTypes } from './file-types.ts';

const BASE_HUE = 250;
/** Degrees between two layers. With many layers the steps shrink to fit the span, so that blue remains unique. */
const STEP = 42;
const SPAN = 310;
/** By Change. */
const changeHues = [0, 150, 85, 25] as const;

/** Gives `of` the colour of a layer of `count`. 0 is not a layer: grey. */
export function tint(of: HTMLElement, layer: number, count: number): void {
  of.classList.add('tinted');
  of.classList.toggle('grey', layer === 0);
  const step = Math.min(STEP, SPAN / Math.max(1, count - 1));
  const hue = (BASE_HUE - (layer - 1) * step + 720) % 360;
  of.style.setProperty('--hue', hue.toFixed(1));
  of.style.setProperty('--odd', String(layer % 2));
}

/** Gives `of` the colour of a type of files: an index of fileTypes; all others are grey. */
export function tintByType(of: HTMLElement, type: number): void {
  of.classList.add('tinted');
  of.classList.toggle('grey', fileTypes[type] === undefined);
  of.style.setProperty('--hue', String(fileTypes[type]?.hue ?? 0));
  of.style.setProperty('--odd', String(type % 2));
}

/** Gives `of` the colour of a change, from changes.ts; what is the same is grey. */
export function tintByChange(of: HTMLElement, change: Change): void {
  of.classList.add('tinted');
  of.classList.toggle('grey', change === Change.none);
  of.style.setProperty('--hue', String(changeHues[change]));
  of.style.setProperty('--odd', '0');
}

/** A layer's number on its colour. */
export function layerChip(layer: number, count: number): HTMLElement {
  const chip = element('span', {
    class: 'chip',
    text: String(layer),
    attributes: { title: `layer ${layer}` },
  });
  tint(chip, layer, count);
  return chip;
}
