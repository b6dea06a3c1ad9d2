// What the colours of tiles mean: the file types of the directory that the treemap shows, largest first, or changes.
import { Change, changeWords } from './changes.ts';
import { element, part } from './dom.ts';
import { OTHER_TYPE, bytesByType, fileTypes, titleOfType } from './file-types.ts';
import { tintByChange, tintByType } from './palette.ts';
import type { ViewState } from './view-state.ts';
import { percent, size } from './words.ts';

export function showTypeLegend({ colours, table, types, sums, root }: ViewState): void {
  const list = part('type-legend');
  list.hidden = colours !== 'type';
  if (list.hidden) return;
  const total = sums[root] ?? 0;
  const rows = bytesByType(table, types, sums, root)
    .map((bytes, type) => ({ bytes, type }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  list.replaceChildren(
    ...rows.map(({ bytes, type }) => {
      const share = element('span', { class: 'muted', text: `${size(bytes)}, ${percent(bytes, total)}` });
      return lineOfType(type, share);
    }),
  );
}

/** Below two maps. A layer's colour is that of its number in the list of layers. */
export function showChangeLegend(colours: ViewState['colours']): void {
  const list = part('compared-legend');
  list.hidden = colours === 'layer';
  const lines =
    colours === 'type'
      ? [...fileTypes.keys(), OTHER_TYPE].map((type) => lineOfType(type))
      : Object.values(Change).map((change) =>
          lineOf(changeWords[change], (swatch) => tintByChange(swatch, change)),
        );
  list.replaceChildren(...lines);
}

const lineOfType = (type: number, ...more: Node[]): HTMLElement =>
  lineOf(titleOfType(type), (swatch) => tintByType(swatch, type), ...more);

function lineOf(text: string, paint: (swatch: HTMLElement) => void, ...more: Node[]): HTMLElement {
  const swatch = element('span', { class: 'swatch' });
  paint(swatch);
  return element('li', {}, swatch, element('span', { text }), ...more);
}
