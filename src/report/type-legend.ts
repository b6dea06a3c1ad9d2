// The file types of the directory that the treemap shows, largest first, with their colours.
import { element, part } from './dom.ts';
import { bytesByType, titleOfType } from './file-types.ts';
import { tintByType } from './palette.ts';
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
      const swatch = element('span', { class: 'swatch' });
      tintByType(swatch, type);
      const share = element('span', { class: 'muted', text: `${size(bytes)}, ${percent(bytes, total)}` });
      return element('li', {}, swatch, element('span', { text: titleOfType(type) }), share);
    }),
  );
}
