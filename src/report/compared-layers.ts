// The layers of two images side by side, topmost first, with the base that both have.
import type { ReportImage, ReportLayer } from '../inspect/report-format.ts';
import { element, part } from './dom.ts';
import { originOf } from './layer-origin.ts';
import { layerChip } from './palette.ts';
import type { Two } from './paired-directories.ts';
import { counted, size } from './words.ts';

/** Longer instructions are folded. */
const LONGEST = 160;

export function showComparedLayers(images: Two<ReportImage>, titles: Two<string>, base: number): void {
  const baseBytes = images[0].layers.slice(0, base).reduce((sum, layer) => sum + layer.size, 0);
  part('compared-base').textContent =
    base === 0
      ? 'The images have no common base: already the first layers differ.'
      : `Both images stand on the same ${base === 1 ? 'layer' : counted(base, 'layer')}: ${size(baseBytes)}.`;
  part('compared-layers').replaceChildren(
    ...images.map((image, side) => {
      const rows = image.layers.map((layer) => rowOf(layer, image, layer.number <= base)).reverse();
      const above = image.layers.length - base;
      if (above === 0)
        rows.unshift(element('li', { class: 'compared-line', text: 'nothing above the common base' }));
      const list = element('ol', { class: 'compared-stack', attributes: { reversed: '' } }, ...rows);
      const title = `${titles[side] ?? ''}: ${size(image.size - image.wasted)} shown`;
      return element('div', {}, element('h3', { text: title }), list);
    }),
  );
}

function rowOf(layer: ReportLayer, image: ReportImage, isBase: boolean): HTMLElement {
  const step = image.steps.find((each) => each.layer === layer.number);
  const origin = originOf(layer, step);
  const text = origin.textContent;
  const shown =
    text.length <= LONGEST
      ? origin
      : element('details', {}, element('summary', { text: `${text.slice(0, LONGEST / 2)} ...` }), origin);
  return element(
    'li',
    isBase ? { class: 'base', attributes: { title: 'in both images' } } : {},
    layerChip(layer.number, image.layers.length),
    shown,
    element('b', { text: size(layer.size) }),
  );
}
