// The page of two images side by side: reads the comparison and connects its views. It holds all the state.
import type { ReportComparison, ReportImage } from '../inspect/report-format.ts';
import { Change, changesOf } from './changes.ts';
import { showComparedLayers } from './compared-layers.ts';
import { showDirectorySizes, showTypeSizes } from './compared-sizes.ts';
import { DifferenceTable } from './difference-table.ts';
import { showDetails } from './details.ts';
import { showCrumbs } from './crumbs.ts';
import { element, part } from './dom.ts';
import { typesOf } from './file-types.ts';
import { beginAt, goTo, onTravel } from './history.ts';
import { distinctTitles } from './image-tables.ts';
import { NodeTable } from './node-table.ts';
import { type DirectoryPair, type Two, pairDirectories } from './paired-directories.ts';
import { Treemap } from './treemap.ts';
import { showChangeLegend } from './type-legend.ts';
import type { ViewState } from './view-state.ts';
import { counted, signedSize } from './words.ts';

/** One image and its map. */
interface Side {
  readonly title: string;
  state: ViewState;
  readonly map: Treemap;
  readonly box: HTMLElement;
  readonly details: HTMLElement;
  readonly empty: HTMLElement;
}

export class ComparisonPage {
  readonly #images: Two<ReportImage>;
  readonly #comparison: ReportComparison;
  readonly #sides: Two<Side>;
  readonly #pairs: readonly DirectoryPair[];
  readonly #table: DifferenceTable;
  /** By the path of a pair: its index. */
  readonly #byPath: ReadonlyMap<string, number>;
  /** By side and node: the index of the pair. */
  readonly #byNode: Two<ReadonlyMap<number, number>>;
  #pair = 0;
  #colours: ViewState['colours'] = 'change';

  constructor(images: Two<ReportImage>, comparison: ReportComparison) {
    this.#images = images;
    this.#comparison = comparison;
    const titles = distinctTitles(images);
    this.#sides = [this.#makeSide(0, titles[0] ?? ''), this.#makeSide(1, titles[1] ?? '')];
    const [a, b] = this.#sides;
    this.#pairs = pairDirectories([a.state.table, b.state.table]);
    this.#byPath = new Map(this.#pairs.map(({ path }, i) => [path, i]));
    const nodesOf = (side: 0 | 1): ReadonlyMap<number, number> =>
      new Map(this.#pairs.map(({ nodes }, i) => [nodes[side], i]));
    this.#byNode = [nodesOf(0), nodesOf(1)];
    this.#table = new DifferenceTable(comparison.differences, [a.title, b.title], (directory) =>
      this.#open(this.#byPath.get(directory) ?? 0),
    );
  }

  start(): void {
    const [a, b] = this.#sides;
    const { added, changed, deleted, grown, omitted } = this.#comparison;
    document.title = `${a.title} and ${b.title} - stratafs report`;
    part('compared-title').textContent = `${a.title} and ${b.title}`;
    part('compared-summary').textContent =
      added + changed + deleted === 0
        ? 'Both images have the same files.'
        : `From the first to the second: ${counted(added, 'path')} added, ${counted(changed, 'path')} changed, ${counted(deleted, 'path')} deleted, ${signedSize(grown)}.`;
    part('compared-omitted').hidden = omitted === 0;
    part('compared-omitted').textContent =
      `${counted(omitted, 'small difference is', 'small differences are')} left out of the list and of the colours.`;
    showComparedLayers(this.#images, [a.title, b.title], this.#comparison.baseLayers);
    for (const radio of part('compared-colours').querySelectorAll('input')) {
      radio.addEventListener('change', () => {
        this.#colours = radio.value as ViewState['colours'];
        this.#show();
      });
    }
    this.#show();
    beginAt({ image: 0, root: 0, layer: 0 });
    onTravel(({ root }) => {
      this.#pair = root < this.#pairs.length ? root : 0;
      this.#show();
    });
  }

  #makeSide(side: 0 | 1, title: string): Side {
    const box = element('div', { class: 'treemap', attributes: { role: 'tree', 'aria-label': title } });
    const details = element('div', { class: 'details' });
    const empty = element('p', { class: 'notice' });
    part('compared-maps').append(element('div', {}, element('h3', { text: title }), box, empty, details));
    const state = this.#stateOf(side);
    const actions = {
      open: (node: number): void => this.#open(this.#byNode[side].get(node) ?? this.#pair, side),
    };
    const map = new Treemap(box, actions, (tile) => {
      const { state: now } = this.#sides[side];
      showDetails(details, now, tile, now.root);
    });
    return { title, state, map, box, details, empty };
  }

  #stateOf(side: 0 | 1): ViewState {
    const image = this.#images[side];
    const table = new NodeTable(image.nodes);
    const filter = { layer: 0, which: 'shown' } as const;
    const sums = table.sum(filter);
    const changes = changesOf(
      table,
      this.#comparison.differences,
      side === 0 ? Change.deleted : Change.added,
    );
    const types = typesOf(table);
    return { image, table, filter, sums, allSums: sums, root: 0, colours: 'change', types, changes };
  }

  /** `side`: the map that gets the focus, if one does. */
  #open(pair: number, side?: 0 | 1): void {
    this.#pair = pair;
    this.#show(side);
    goTo({ image: 0, root: pair, layer: 0 });
  }

  #show(focused?: 0 | 1): void {
    const pair = this.#pairs[this.#pair] as DirectoryPair;
    this.#sides.forEach((side, i) => {
      const root = pair.nodes[i] ?? -1;
      const bytes = side.state.sums[root] ?? 0;
      side.state = { ...side.state, root: Math.max(0, root), colours: this.#colours };
      side.box.hidden = side.details.hidden = bytes === 0;
      side.empty.hidden = bytes > 0;
      side.empty.textContent =
        root < 0 ? 'This image does not have the directory.' : 'There are no bytes here.';
      if (bytes > 0) side.map.show(side.state, focused === i ? root : -1);
    });
    const states: Two<ViewState> = [this.#sides[0].state, this.#sides[1].state];
    const titles: Two<string> = [this.#sides[0].title, this.#sides[1].title];
    this.#showCrumbs();
    showChangeLegend(this.#colours);
    showDirectorySizes(states, titles, this.#pairs, this.#pair, (next) => this.#open(next));
    showTypeSizes(states, titles, pair);
    this.#table.show(pair.path);
  }

  #showCrumbs(): void {
    const line = [this.#pair];
    for (let at = this.#pair; at !== 0; line.unshift(at)) at = this.#pairs[at]?.parent ?? 0;
    const crumbs = line.map((index) => ({
      name: this.#pairs[index]?.name ?? '',
      isHere: index === this.#pair,
      open: () => this.#open(index),
    }));
    showCrumbs(part('compared-crumbs'), crumbs);
  }
}
