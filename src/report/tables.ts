// Tables of the page: heads and cells.
import { element } from './dom.ts';

export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

export type Cell = string | Node;

/** Each cell has the title of its column as data-label, which a narrow window shows. With `hasRowHeads` the first cell of each row is its head. */
export function fillTable(
  table: HTMLElement,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  hasRowHeads = false,
): void {
  const classOf = (i: number): { class: string } | undefined =>
    columns[i]?.isNumber === true ? { class: 'number' } : undefined;
  const head = columns.map(({ title }, i) =>
    element('th', { ...classOf(i), text: title, attributes: { scope: 'col' } }),
  );
  const body = rows.map((cells) =>
    element(
      'tr',
      {},
      ...cells.map((cell, i) =>
        i === 0 && hasRowHeads
          ? element('th', { attributes: { scope: 'row' } }, cell)
          : element('td', { ...classOf(i), attributes: { 'data-label': columns[i]?.title } }, cell),
      ),
    ),
  );
  table.replaceChildren(element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body));
}
