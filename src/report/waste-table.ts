// The table of wasted bytes: hidden files, the largest first, some at a time.
import { NodeKind } from '../inspect/report-format.ts';
import { element, part } from './dom.ts';
import type { NodeTable } from './node-table.ts';
import { layerChip } from './palette.ts';
import { type Cell, fillTable } from './tables.ts';
import type { ViewActions, ViewState } from './view-state.ts';
import { causeWords, counted, number, percent, size } from './words.ts';

const FIRST = 20;
const MORE = 200;

const columns = [
  { title: 'Wasted', isNumber: true },
  { title: 'Path' },
  { title: 'Stored by' },
  { title: 'Hidden by' },
];

export class WasteTable {
  readonly #actions: ViewActions;
  readonly #more = part('waste-more');
  #table: NodeTable | undefined;
  #nodes: number[] = [];
  #shown = FIRST;

  constructor(actions: ViewActions) {
    this.#actions = actions;
  }

  show(state: ViewState): void {
    if (state.table === this.#table) return;
    this.#table = state.table;
    const { table, image } = state;
    const all = Array.from({ length: table.count }, (_, node) => node);
    this.#nodes = all.filter((node) => table.kindOf(node) === NodeKind.hidden);
    this.#nodes.sort((a, b) => table.sizeOf(b) - table.sizeOf(a) || a - b);
    this.#shown = FIRST;
    this.#more.onclick = () => {
      this.#shown += MORE;
      this.#fill(state);
    };
    const folded = all.filter((node) => table.kindOf(node) === NodeKind.folded && table.isWasted(node));
    const names = this.#nodes.length + folded.reduce((sum, node) => sum + table.foldedNamesOf(node), 0);
    part('waste-summary').textContent =
      names === 0
        ? 'Every file that a layer stores is shown.'
        : `${counted(names, 'file is', 'files are')} stored and never shown, as higher layers overwrite or delete ${names === 1 ? 'it' : 'them'}: ${size(image.wasted)}, ${percent(image.wasted, image.size)} of all bytes.`;
    this.#fill(state);
  }

  #fill(state: ViewState): void {
    const shown = this.#nodes.slice(0, this.#shown);
    part('waste-table').hidden = shown.length === 0;
    fillTable(
      part('waste-table'),
      columns,
      shown.map((node) => this.#row(node, state)),
    );
    const left = this.#nodes.length - shown.length;
    this.#more.hidden = left === 0;
    this.#more.textContent =
      left > MORE ? `Show ${number(MORE)} more of ${number(left)}` : `Show the other ${number(left)}`;
  }

  #row(node: number, { table, image }: ViewState): Cell[] {
    const { layer, cause } = table.hiddenBy(node);
    const path = element('button', {
      class: 'link',
      text: table.pathOf(node),
      attributes: { type: 'button' },
    });
    path.addEventListener('click', () => this.#actions.reveal(node));
    const count = image.layers.length;
    return [
      size(table.sizeOf(node)),
      path,
      layerChip(table.layerOf(node), count),
      element('span', { class: 'hider' }, layerChip(layer, count), causeWords(cause)),
    ];
  }
}
