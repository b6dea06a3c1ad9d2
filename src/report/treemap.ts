// The treemap on the page: an element per tile, one of them in the tab order, and navigation by keys and clicks.
import { Change, changeIn, changeSigns, changeWords } from './changes.ts';
import { element } from './dom.ts';
import { bytesByType } from './file-types.ts';
import type { NodeTable } from './node-table.ts';
import { tint, tintByChange, tintByType } from './palette.ts';
import { type Tile, layOut } from './treemap-layout.ts';
import type { ViewActions, ViewState } from './view-state.ts';
import { kindWords, number, percent, size } from './words.ts';

/** Minimum pixels for a name in a tile, and for a size below it, or beside it in a frame. */
const NAME_WIDTH = 34;
const NAME_HEIGHT = 16;
const SIZE_WIDTH = 56;
const SIZE_HEIGHT = 32;
const FRAME_SIZE_WIDTH = 124;
/** The width of a tile that fits "12 smaller". */
const REST_WIDTH = 84;

export class Treemap {
  readonly #box: HTMLElement;
  readonly #actions: Pick<ViewActions, 'open'>;
  /** Gets the tile under the pointer or with the focus; undefined for none. */
  readonly #onLook: (tile: Tile | undefined) => void;
  #state: ViewState | undefined;
  #tiles: Tile[] = [];
  #elements: HTMLElement[] = [];
  /** The tiles outside any frame, by index. */
  #outermost: number[] = [];
  /** The width and height of the current layout. */
  #drawn = '';
  /** The tile in the tab order. */
  #current = 0;

  constructor(
    box: HTMLElement,
    actions: Pick<ViewActions, 'open'>,
    onLook: (tile: Tile | undefined) => void,
  ) {
    this.#box = box;
    this.#actions = actions;
    this.#onLook = onLook;
    this.#box.addEventListener('keydown', (event) => this.#onKey(event));
    this.#box.addEventListener('click', ({ target }) => this.#onClick(this.#indexOf(target)));
    this.#box.addEventListener('focusin', ({ target }) => this.#onFocus(this.#indexOf(target)));
    this.#box.addEventListener('pointerover', ({ target }) => {
      const tile = this.#tiles[this.#indexOf(target)];
      if (tile !== undefined) onLook(tile);
    });
    this.#box.addEventListener('pointerleave', () => onLook(this.#focused()));
    new ResizeObserver(() => {
      if (this.#drawn !== this.#size()) this.#draw();
    }).observe(this.#box);
  }

  /**
   * `focus`: the node whose tile, or the nearest tile around it, gets the focus. For the root it is the largest tile.
   * -1: none.
   */
  show(state: ViewState, focus: number): void {
    this.#state = state;
    this.#draw();
    const index = focus === state.root ? 0 : focus < 0 ? -1 : this.#tileOf(focus);
    if (index >= 0) {
      this.#box.scrollIntoView({ block: 'nearest' });
      this.#moveTo(index);
    } else this.#onLook(undefined);
  }

  #size(): string {
    return `${this.#box.clientWidth} ${this.#box.clientHeight}`;
  }

  #draw(): void {
    const state = this.#state;
    this.#drawn = this.#size();
    const { clientWidth, clientHeight } = this.#box;
    if (state === undefined || clientWidth === 0) return;
    const hadFocus = this.#box.contains(document.activeElement);
    const node = this.#tiles[this.#current]?.node;
    const box = { x0: 0, y0: 0, x1: clientWidth, y1: clientHeight };
    this.#tiles = layOut(state.table, state.sums, state.root, box);
    this.#outermost = this.#tiles.flatMap(({ parent }, i) => (parent < 0 ? [i] : []));
    this.#elements = this.#tiles.map((tile, i) => this.#make(tile, i, state));
    this.#box.replaceChildren(...this.#elements);
    this.#current = 0;
    this.#elements[0]?.setAttribute('tabindex', '0');
    if (hadFocus) this.#moveTo(Math.max(0, node === undefined ? 0 : this.#tileOf(node)));
  }

  #make(tile: Tile, index: number, state: ViewState): HTMLElement {
    const { table } = state;
    const { kind, node, x0, y0, x1, y1, depth, parent } = tile;
    const siblings = this.#tiles[parent]?.children ?? this.#outermost;
    const tileElement = element('div', {
      class: `tile ${kind}`,
      attributes: {
        role: 'treeitem',
        tabindex: '-1',
        'data-tile': String(index),
        'data-node': String(node),
        'aria-level': String(depth + 1),
        'aria-setsize': String(siblings.length),
        'aria-posinset': String(siblings.indexOf(index) + 1),
        'aria-expanded': kind === 'frame' ? 'true' : undefined,
        'aria-label': describeTile(tile, state),
      },
    });
    const { style } = tileElement;
    // Not in pixels: paper is narrower than the window, and no event precedes its layout.
    const { clientWidth, clientHeight } = this.#box;
    style.left = part100(x0, clientWidth);
    style.top = part100(y0, clientHeight);
    style.width = part100(x1 - x0, clientWidth);
    style.height = part100(y1 - y0, clientHeight);
    if (kind === 'leaf') {
      if (state.colours === 'change') tintByChange(tileElement, changeOfTile(tile, state));
      else if (state.colours === 'type') tintByType(tileElement, typeOfTile(tile, state));
      else tint(tileElement, layerOfTile(tile, state), state.image.layers.length);
    }
    tileElement.classList.toggle('wasted', kind === 'leaf' && isWholeWaste(node, state));
    tileElement.classList.toggle('directory', kind === 'leaf' && table.isDirectory(node));
    this.#label(tileElement, tile, state);
    return tileElement;
  }

  #label(tileElement: HTMLElement, tile: Tile, state: ViewState): void {
    const { table } = state;
    const width = tile.x1 - tile.x0;
    const height = tile.y1 - tile.y0;
    if (tile.kind === 'frame' ? !tile.hasTitle : width < NAME_WIDTH || height < NAME_HEIGHT) return;
    const isNarrow = tile.kind === 'rest' && width < REST_WIDTH;
    const name = isNarrow ? `+${number(tile.nodes.length)}` : nameOfTile(tile, table);
    const sign =
      state.colours === 'change' && tile.kind === 'leaf' ? changeSigns[changeOfTile(tile, state)] : '';
    tileElement.append(element('span', { class: 'name', text: `${sign}${name}` }));
    if (tile.kind === 'frame' ? width >= FRAME_SIZE_WIDTH : width >= SIZE_WIDTH && height >= SIZE_HEIGHT) {
      tileElement.append(element('span', { class: 'size', text: size(tile.bytes) }));
    }
  }

  #indexOf(target: EventTarget | null): number {
    const found = target instanceof Element ? target.closest('[data-tile]') : null;
    return found === null ? -1 : Number(found.getAttribute('data-tile'));
  }

  #focused(): Tile | undefined {
    return this.#box.contains(document.activeElement) ? this.#tiles[this.#current] : undefined;
  }

  /** The tile of a node, or the nearest tile around it; -1 for none. */
  #tileOf(node: number): number {
    const table = this.#state?.table;
    if (table === undefined) return -1;
    for (let at = node; ; at = table.parentOf(at)) {
      const index = this.#tiles.findIndex((tile) =>
        tile.kind === 'rest' ? tile.nodes.includes(at) : isIn(table, at, tile),
      );
      if (index >= 0 || at === 0) return index;
    }
  }

  #moveTo(index: number): void {
    this.#elements[index]?.focus({ preventScroll: true });
  }

  #onFocus(index: number): void {
    if (index < 0) return;
    this.#elements[this.#current]?.setAttribute('tabindex', '-1');
    this.#current = index;
    this.#elements[index]?.setAttribute('tabindex', '0');
    this.#onLook(this.#tiles[index]);
  }

  #onClick(index: number): void {
    if (index < 0) return;
    this.#moveTo(index);
    this.#enter(index);
  }

  /** Enters a directory, or the directory whose small files the tile represents. */
  #enter(index: number): void {
    const tile = this.#tiles[index];
    const state = this.#state;
    if (tile === undefined || state === undefined) return;
    const isDirectory = tile.kind !== 'leaf' || state.table.isDirectory(tile.node);
    if (isDirectory && tile.node !== state.root) this.#actions.open(tile.node, tile.node);
  }

  /** Leaves the directory, up to the first one that shows more. */
  #leave(): void {
    const state = this.#state;
    if (state === undefined || state.root === 0) return;
    const { table, root, sums } = state;
    const line = table.lineOf(root).slice(0, -1).reverse();
    const hasMore = (at: number): boolean => (sums[at] ?? 0) > (sums[root] ?? 0);
    this.#actions.open(line.find(hasMore) ?? 0, root);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { parent = -1, children = [] } = this.#tiles[this.#current] ?? {};
    const siblings = this.#tiles[parent]?.children ?? this.#outermost;
    const place = siblings.indexOf(this.#current);
    const moves: Readonly<Record<string, number | undefined>> = {
      ArrowRight: siblings[place + 1],
      ArrowLeft: siblings[place - 1],
      ArrowDown: children[0],
      ArrowUp: parent,
      Home: siblings[0],
      End: siblings.at(-1),
    };
    if (event.key in moves) this.#moveTo(moves[event.key] ?? this.#current);
    else if (event.key === 'Enter' || event.key === ' ') this.#enter(this.#current);
    else if (event.key === 'Backspace' || event.key === 'Escape') this.#leave();
    else return;
    event.preventDefault();
  }
}

/** True if the tile represents the node, or one of several directories that share a tile. */
function isIn(table: NodeTable, node: number, { top, node: inner }: Tile): boolean {
  return top <= node && node <= inner && table.endOf(node) >= table.endOf(inner);
}

function nameOfTile({ kind, node, top, nodes }: Tile, table: NodeTable): string {
  if (kind === 'rest') return `${number(nodes.length)} smaller`;
  if (top === node) return table.nameOf(node) || kindWords(table, node);
  return table.pathOf(node).slice(table.pathOf(table.parentOf(top)).replace(/\/$/, '').length + 1);
}

export function describeTile(tile: Tile, { table, sums, root, ...state }: ViewState): string {
  const share = `${size(tile.bytes)}, ${percent(tile.bytes, sums[root] ?? 0)}`;
  const name = nameOfTile(tile, table);
  if (tile.kind === 'rest') return `${name}, ${share}`;
  const kind = kindWords(table, tile.node);
  const change = changeOfTile(tile, { table, sums, root, ...state });
  const what = change === Change.none ? kind : `${kind}, ${changeWords[change]}`;
  if (table.isDirectory(tile.node)) return `${name}, ${what}, ${share}`;
  const layer = layerOfTile(tile, { table, sums, root, ...state });
  return `${name}, ${what === name ? '' : `${what}, `}${share}, layer ${layer}`;
}

const part100 = (pixels: number, whole: number): string => `${(100 * pixels) / whole}%`;

const changeOfTile = ({ node }: Tile, { table, changes, sums }: ViewState): Change =>
  changes === undefined ? Change.none : changeIn(table, changes, sums, node);

/** For a directory, the type with the most bytes in it. */
function typeOfTile({ node }: Tile, { table, types, sums }: ViewState): number {
  const bytes = bytesByType(table, types, sums, node);
  return bytes.indexOf(Math.max(...bytes));
}

/** For a directory, the layer with the most bytes in it. */
function layerOfTile({ node }: Tile, { table, sums, image }: ViewState): number {
  if (!table.isDirectory(node)) return table.layerOf(node);
  const bytes = new Float64Array(image.layers.length + 1);
  for (let at = node; at < table.endOf(node); at++) {
    const layer = table.layerOf(at);
    if (!table.isDirectory(at)) bytes[layer] = (bytes[layer] ?? 0) + (sums[at] ?? 0);
  }
  return bytes.indexOf(Math.max(...bytes));
}

function isWholeWaste(node: number, { table, sums }: ViewState): boolean {
  if (!table.isDirectory(node)) return table.isWasted(node);
  for (let at = node; at < table.endOf(node); at++) {
    if (!table.isDirectory(at) && (sums[at] ?? 0) > 0 && !table.isWasted(at)) return false;
  }
  return true;
}
