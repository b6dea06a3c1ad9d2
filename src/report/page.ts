// The page of `stratafs report`: reads the embedded data and connects the views. It holds all the state.
import { REPORT_FORMAT, type ReportData, type ReportImage } from '../inspect/report-format.ts';
import { ComparisonPage } from './comparison-page.ts';
import { showDetails } from './details.ts';
import { showCrumbs } from './crumbs.ts';
import { part } from './dom.ts';
import { typesOf } from './file-types.ts';
import { type Place, beginAt, goTo, onTravel } from './history.ts';
import { markImage, showImages, showShared } from './image-tables.ts';
import { LayerStack } from './layer-stack.ts';
import { type ByteFilter, NodeTable } from './node-table.ts';
import { nameOfImage, showOverview } from './overview.ts';
import { SearchBox } from './search-box.ts';
import { offerThemes } from './theme.ts';
import { Treemap } from './treemap.ts';
import { showTypeLegend } from './type-legend.ts';
import type { ViewActions, ViewState } from './view-state.ts';
import { WasteTable } from './waste-table.ts';
import { size } from './words.ts';

const everything: ByteFilter = { layer: 0, which: 'all' };

class Page implements ViewActions {
  readonly #treemap: Treemap;
  readonly #stack = new LayerStack(this);
  readonly #search = new SearchBox(this);
  readonly #waste = new WasteTable(this);
  #state: ViewState;
  /** The node whose details are shown while no tile is under the pointer. */
  #node = 0;

  readonly #images: readonly ReportImage[];

  constructor(images: readonly ReportImage[], first: ReportImage) {
    this.#images = images;
    this.#state = stateOf(first);
    this.#treemap = new Treemap(part('treemap'), this, (tile) =>
      showDetails(part('details'), this.#state, tile, this.#node),
    );
    for (const radio of this.#radios('which')) {
      radio.addEventListener('change', () => this.#filter({ which: radio.value as ByteFilter['which'] }));
    }
    for (const radio of this.#radios('colours')) {
      radio.addEventListener('change', () => {
        this.#state = { ...this.#state, colours: radio.value as ViewState['colours'] };
        this.#show();
      });
    }
    this.#show();
    beginAt(this.#place());
    onTravel((place) => this.#travel(place));
  }

  showImage(image: ReportImage): void {
    this.#state = { ...stateOf(image), colours: this.#state.colours };
    this.#node = 0;
    this.#show();
    goTo(this.#place());
  }

  #place(): Place {
    const { image, root, filter } = this.#state;
    return { image: this.#images.indexOf(image), root, layer: filter.layer };
  }

  /** Shows the place of an entry of the history; nothing of it that these data don't have. */
  #travel({ image: index, root, layer }: Place): void {
    const { image: before, colours, filter } = this.#state;
    const image = this.#images[index] ?? before;
    const state = image === before ? this.#state : { ...stateOf(image), colours };
    const { table } = state;
    const wanted = { ...filter, layer: layer <= image.layers.length ? layer : 0 };
    const directory = root < table.count && table.isDirectory(root) ? root : 0;
    this.#state = { ...state, filter: wanted, sums: table.sum(wanted), root: directory };
    this.#node = directory;
    markImage(this.#images.indexOf(image));
    this.#show();
  }

  open(directory: number, focus = -1): void {
    this.#state = { ...this.#state, root: directory };
    this.#node = directory;
    this.#show(focus);
    goTo(this.#place());
  }

  reveal(node: number): void {
    const { table, filter, sums, allSums } = this.#state;
    if (filter !== everything && (sums[node] ?? 0) === 0) {
      this.#state = { ...this.#state, filter: everything, sums: allSums };
    }
    // A node without bytes has no tile, so the nearest directory with bytes is shown.
    const line = table.lineOf(node).slice(0, -1).reverse();
    const root = line.find((at) => (this.#state.sums[at] ?? 0) > 0) ?? 0;
    this.#state = { ...this.#state, root };
    this.#node = node;
    this.#show((this.#state.sums[node] ?? 0) > 0 ? node : -1);
    goTo(this.#place());
  }

  chooseLayer(layer: number): void {
    this.#filter({ layer });
  }

  /** Stays in the directory if it has bytes that count, else goes up to one that has. */
  #filter(change: Partial<ByteFilter>): void {
    const { table, root } = this.#state;
    const filter = { ...this.#state.filter, ...change };
    const sums = table.sum(filter);
    const line = table.lineOf(root).reverse();
    this.#node = line.find((at) => (sums[at] ?? 0) > 0) ?? 0;
    this.#state = { ...this.#state, filter, sums, root: this.#node };
    this.#show();
    goTo(this.#place());
  }

  #radios(id: 'which' | 'colours'): HTMLInputElement[] {
    return [...part(id).querySelectorAll('input')];
  }

  #show(focus = -1): void {
    const state = this.#state;
    document.title = `${nameOfImage(state.image)} - stratafs report`;
    for (const radio of this.#radios('which')) radio.checked = radio.value === state.filter.which;
    part('colour-of').textContent = state.colours === 'type' ? 'file type' : 'layer';
    showOverview(state.image);
    this.#stack.show(state);
    this.#search.show(state);
    this.#waste.show(state);
    this.#showCrumbs(state);
    this.#showScope(state);
    showTypeLegend(state);
    this.#treemap.show(state, focus);
  }

  #showCrumbs({ table, root }: ViewState): void {
    const line = table.lineOf(root).map((node) => ({
      name: node === 0 ? '/' : table.nameOf(node),
      isHere: node === root,
      open: () => this.open(node, root === node ? -1 : root),
    }));
    showCrumbs(part('crumbs'), line);
  }

  #showScope({ filter, sums, root, allSums }: ViewState): void {
    const { layer, which } = filter;
    const words = [which === 'all' ? '' : which, layer === 0 ? '' : `of layer ${layer}`].filter(
      (each) => each !== '',
    );
    const bytes = sums[root] ?? 0;
    part('scope').textContent =
      words.length === 0 ? size(bytes) : `${size(bytes)} ${words.join(' ')}, of ${size(allSums[root] ?? 0)}`;
    const isEmpty = bytes === 0;
    part('treemap').hidden = isEmpty;
    const notice = part('treemap-empty');
    notice.hidden = !isEmpty;
    notice.textContent =
      words.length === 0 ? 'There are no bytes here.' : `There are no bytes ${words.join(' ')} here.`;
  }
}

function stateOf(image: ReportImage): ViewState {
  const table = new NodeTable(image.nodes);
  const sums = table.sum(everything);
  const types = typesOf(table);
  return { image, table, filter: everything, sums, allSums: sums, root: 0, colours: 'layer', types };
}

function start(): void {
  const data = JSON.parse(part('report-data').textContent) as ReportData;
  if ((data.format as number) !== REPORT_FORMAT) throw new Error(`the data are of format ${data.format}`);
  const [first] = data.images;
  if (first === undefined) throw new Error('the data hold no image');
  offerThemes();
  part('made-by').textContent = `Made by stratafs ${data.version}. All data are in this file.`;
  const second = data.images[1];
  if (data.comparison !== undefined && second !== undefined) {
    part('compared').hidden = false;
    new ComparisonPage([first, second], data.comparison).start();
    return;
  }
  part('main').hidden = false;
  const page = new Page(data.images, first);
  showImages(data, (index) => page.showImage(data.images[index] ?? first));
  showShared(data);
}

start();
