// The search: a combobox whose list shows the largest matches.
import { element, part } from './dom.ts';
import { layerChip } from './palette.ts';
import { findPaths } from './search.ts';
import type { ViewActions, ViewState } from './view-state.ts';
import { counted, number, size } from './words.ts';

const SHOWN = 100;

export class SearchBox {
  readonly #input = part('search') as HTMLInputElement;
  readonly #panel = part('found-panel');
  readonly #list = part('found');
  readonly #actions: ViewActions;
  #state: ViewState | undefined;
  #nodes: readonly number[] = [];
  #active = -1;
  #frame = 0;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.#input.addEventListener('input', () => this.#schedule());
    this.#input.addEventListener('focus', () => this.#schedule());
    this.#input.addEventListener('blur', () => this.#close());
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    // The list must not take the focus: the input needs it until the choice is made.
    this.#panel.addEventListener('pointerdown', (event) => event.preventDefault());
    this.#list.addEventListener('click', ({ target }) => {
      const option = target instanceof Element ? target.closest('[role=option]') : null;
      if (option !== null) this.#choose([...this.#list.children].indexOf(option));
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.target === this.#input) return;
      event.preventDefault();
      this.#input.focus();
    });
  }

  show(state: ViewState): void {
    this.#state = state;
  }

  #schedule(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#search());
  }

  #search(): void {
    const text = this.#input.value.trim();
    const state = this.#state;
    if (text === '' || state === undefined) {
      this.#close();
      return;
    }
    const { nodes, total } = findPaths(state.table, state.allSums, text, SHOWN);
    this.#nodes = nodes;
    this.#list.replaceChildren(...nodes.map((node, i) => this.#option(node, i, text, state)));
    part('found-count').textContent =
      total > nodes.length
        ? `the largest ${nodes.length} of ${number(total)} paths`
        : total === 0
          ? 'no path has this in it'
          : counted(total, 'path');
    this.#panel.hidden = false;
    this.#input.setAttribute('aria-expanded', 'true');
    this.#activate(nodes.length > 0 ? 0 : -1);
  }

  #option(node: number, index: number, text: string, { table, allSums, image }: ViewState): HTMLElement {
    const path = table.pathOf(node);
    const at = path.toLowerCase().lastIndexOf(text.toLowerCase());
    const end = at + text.length;
    const isDirectory = table.isDirectory(node);
    const name =
      at < 0
        ? element('code', { text: path })
        : element(
            'code',
            {},
            path.slice(0, at),
            element('mark', { text: path.slice(at, end) }),
            path.slice(end),
          );
    const option = element(
      'li',
      { attributes: { role: 'option', id: `found-${index}`, 'aria-selected': 'false', title: path } },
      isDirectory
        ? element('span', { class: 'chip none', text: '/' })
        : layerChip(table.layerOf(node), image.layers.length),
      name,
    );
    if (table.isWasted(node)) option.append(element('span', { class: 'tag', text: 'wasted' }));
    option.append(
      element('span', { class: 'size', text: size(isDirectory ? (allSums[node] ?? 0) : table.sizeOf(node)) }),
    );
    return option;
  }

  #activate(index: number): void {
    this.#list.children[this.#active]?.setAttribute('aria-selected', 'false');
    this.#active = index;
    const option = this.#list.children[index];
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option === undefined) this.#input.removeAttribute('aria-activedescendant');
    else this.#input.setAttribute('aria-activedescendant', option.id);
  }

  #choose(index: number): void {
    const node = this.#nodes[index];
    if (node === undefined) return;
    this.#close();
    this.#actions.reveal(node);
  }

  #close(): void {
    cancelAnimationFrame(this.#frame);
    this.#panel.hidden = true;
    this.#input.setAttribute('aria-expanded', 'false');
    this.#input.removeAttribute('aria-activedescendant');
    this.#active = -1;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      if (this.#panel.hidden) this.#input.value = '';
      this.#close();
    } else if (this.#panel.hidden && event.key === 'ArrowDown') this.#search();
    else if (event.key === 'ArrowDown') this.#activate(Math.min(this.#active + 1, this.#nodes.length - 1));
    else if (event.key === 'ArrowUp') this.#activate(Math.max(this.#active - 1, 0));
    else if (event.key === 'Enter' && !this.#panel.hidden) this.#choose(this.#active);
    else return;
    event.preventDefault();
  }
}
