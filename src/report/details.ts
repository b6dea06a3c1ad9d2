// The details of the tile under the pointer or with the focus, or of the directory that is shown.
import { element } from './dom.ts';
import { originOf } from './layer-origin.ts';
import { layerChip } from './palette.ts';
import type { Tile } from './treemap-layout.ts';
import type { ViewState } from './view-state.ts';
import { counted, kindWords, percent, size } from './words.ts';

/** `node`: shown if there is no tile, because a search can find a node without bytes. */
export function showDetails(box: HTMLElement, state: ViewState, tile: Tile | undefined, node: number): void {
  const { table, sums, root, image } = state;
  const at = tile?.node ?? node;
  const isRest = tile?.kind === 'rest';
  const bytes = tile?.bytes ?? (table.isDirectory(at) ? (sums[at] ?? 0) : table.sizeOf(at));
  const path = `${table.pathOf(at)}${isRest && at !== 0 ? '/' : ''}`;
  const what = isRest
    ? `${counted(tile.nodes.length, 'name')} too small to be drawn`
    : `${kindWords(table, at)}${table.isDirectory(at) ? `, ${counted(table.namesIn(at), 'name')}` : ''}`;
  const layer = isRest || table.isDirectory(at) ? 0 : table.layerOf(at);
  const line = element('p', { class: 'muted' });
  if (layer > 0) {
    const step = image.steps.find((each) => each.layer === layer);
    line.append(layerChip(layer, image.layers.length), originOf(image.layers[layer - 1], step));
  }
  const share =
    at === root || bytes === 0 ? '' : `, ${percent(bytes, sums[root] ?? 0)} of ${table.pathOf(root)}`;
  box.replaceChildren(
    element('p', { class: 'path', text: path }),
    element(
      'p',
      {},
      element('b', { text: size(bytes) }),
      element('span', { class: 'muted', text: `${share}; ${what}` }),
    ),
    line,
  );
}
