// The table of paths that were added, changed or deleted, the largest difference first, some at a time.
import type { ReportDifference } from '../inspect/report-format.ts';
import { changeOf, changeWords } from './changes.ts';
import { element, part } from './dom.ts';
import { type Two, parentPath } from './paired-directories.ts';
import { tintByChange } from './palette.ts';
import { type Cell, fillTable } from './tables.ts';
import { counted, number, signedSize, size } from './words.ts';

const FIRST = 20;
const MORE = 200;

const choices = [
  { value: '', word: 'All' },
  { value: 'A', word: 'Added' },
  { value: 'C', word: 'Changed' },
  { value: 'D', word: 'Deleted' },
] as const;

export class DifferenceTable {
  readonly #differences: readonly ReportDifference[];
  readonly #titles: Two<string>;
  readonly #open: (directory: string) => void;
  readonly #more = part('differences-more');
  #kind = '';
  #directory = '/';
  #shown = FIRST;

  /** `open` gets the path of a directory. */
  constructor(
    differences: readonly ReportDifference[],
    titles: Two<string>,
    open: (directory: string) => void,
  ) {
    this.#differences = [...differences].sort((x, y) => weightOf(y) - weightOf(x));
    this.#titles = titles;
    this.#open = open;
    this.#more.addEventListener('click', () => {
      this.#shown += MORE;
      this.#fill();
    });
    for (const { value, word } of choices) {
      const radio = element('input', {
        attributes: {
          type: 'radio',
          name: 'differences-which',
          value,
          checked: value === '' ? '' : undefined,
        },
      });
      radio.addEventListener('change', () => {
        this.#kind = value;
        this.#shown = FIRST;
        this.#fill();
      });
      part('differences-which').append(element('label', {}, radio, element('span', { text: word })));
    }
  }

  /** Shows the differences in a directory. */
  show(directory: string): void {
    this.#directory = directory;
    this.#shown = FIRST;
    this.#fill();
  }

  #fill(): void {
    const inside = this.#directory === '/' ? '/' : `${this.#directory}/`;
    // A deleted directory is listed without its content: one around the shown directory is a difference here, too.
    const found = this.#differences.filter(
      ({ kind, path }) =>
        (this.#kind === '' || kind === this.#kind) &&
        (path.startsWith(inside) ||
          path === this.#directory ||
          (kind === 'D' && inside.startsWith(`${path}/`))),
    );
    part('differences-summary').textContent =
      found.length === 0 ? 'There are none here.' : `${counted(found.length, 'path')} in ${this.#directory}`;
    const shown = found.slice(0, this.#shown);
    part('differences').hidden = shown.length === 0;
    const columns = [
      { title: 'Path' },
      ...this.#titles.map((title) => ({ title, isNumber: true })),
      { title: 'Difference', isNumber: true },
      { title: 'What changed' },
    ];
    fillTable(
      part('differences'),
      columns,
      shown.map((each) => this.#row(each)),
      true,
    );
    const left = found.length - shown.length;
    this.#more.hidden = left === 0;
    this.#more.textContent =
      left > MORE ? `Show ${number(MORE)} more of ${number(left)}` : `Show the other ${number(left)}`;
  }

  #row(difference: ReportDifference): Cell[] {
    const { kind, path, attributes, sizeBefore, sizeAfter } = difference;
    const link = element('button', { class: 'link', text: path, attributes: { type: 'button' } });
    link.addEventListener('click', () => this.#open(parentPath(path)));
    const word = changeWords[changeOf(difference)];
    const chip = element('span', { class: 'chip', text: kind, attributes: { title: word } });
    tintByChange(chip, changeOf(difference));
    const sizes = [sizeBefore, sizeAfter].map((bytes) => (bytes === undefined ? '' : size(bytes)));
    const hasSize = sizeBefore !== undefined || sizeAfter !== undefined;
    return [
      element('span', { class: 'path-cell' }, chip, link),
      ...sizes,
      hasSize ? signedSize((sizeAfter ?? 0) - (sizeBefore ?? 0)) : '',
      kind === 'C' ? attributes.join(', ') : word,
    ];
  }
}

const weightOf = ({ sizeBefore = 0, sizeAfter = 0 }: ReportDifference): number =>
  Math.abs(sizeAfter - sizeBefore);
