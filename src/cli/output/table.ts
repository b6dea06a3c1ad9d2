// Tables with aligned columns. On a terminal, cells are truncated to its width, but not below their titles; then optional columns
// are left out, the last one first; then cells are truncated further, and other columns left out. Elsewhere the table is complete.
//
// cli-table3 measures characters of other widths than one column (CJK, combining characters) and truncates cells.
import Table from 'cli-table3';
import { showText } from '../../vfs/show-text.ts';
import { type Style, paint } from './color.ts';
import { ellipsize, widthOf } from './terminal-lines.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Truncated only if truncating all others is not enough. */
  readonly isWhole?: true;
  /** Left out before titles are truncated. */
  readonly isOptional?: true;
}

/** A text, alone or with its style. */
export type Cell = string | { readonly text: string; readonly style: Style };

const gap = 2;
/** The minimum width of a truncated column. */
const narrowest = 8;
/** Rows per call of cli-table3, whose time grows with the square of the rows. */
const pieceLength = 256;

/** The rows below their titles, ending in a newline. `width`: of the terminal; undefined for no limit. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
): string {
  const cells = rows.map((row) => row.map((cell) => showText(textOf(cell))));
  const widths = columnWidths(columns, cells, width);
  const surplus = width === undefined ? -1 : surplusColumn(columns, widths, width);
  if (surplus >= 0) {
    return formatTable(
      columns.filter((_, i) => i !== surplus),
      rows.map((row) => row.filter((_, i) => i !== surplus)),
      width,
    );
  }
  const lines = [
    columns.map((column) => column.title),
    ...cells.map((row, i) => paintRow(row, rows[i] ?? [], widths)),
  ];
  const pieces: string[] = [];
  for (let at = 0; at < lines.length; at += pieceLength) {
    const table = new Table({
      colAligns: columns.map((column) => column.align ?? 'left'),
      colWidths: widths,
      chars: borderless,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    });
    for (const row of lines.slice(at, at + pieceLength)) table.push([...row]);
    pieces.push(table.toString());
  }
  return `${pieces.join('\n').replace(/ +$/gm, '')}\n`;
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/**
 * `texts`: the escaped texts of `cells`. A styled one is truncated here, because cli-table3 would also interpret and rewrite
 * its style.
 */
function paintRow(
  texts: readonly string[],
  cells: readonly Cell[],
  widths: readonly number[],
): readonly string[] {
  return texts.map((text, i) => {
    const cell = cells[i];
    if (cell === undefined || typeof cell === 'string' || cell.style === '') return text;
    return paint(cell.style, ellipsize(text, (widths[i] as number) - gap));
  });
}

/** Widths with the gap. If the table is too wide for the terminal, its widest columns shrink first. */
function columnWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): number[] {
  const widths = columns.map((column, i) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[i] ?? '')), column.title.length),
  );
  const total = (): number => widths.reduce((sum, each) => sum + each + gap, -gap);
  if (width === undefined || total() <= width) return widths.map((each) => each + gap);
  const spareOf = (i: number, least: number): number => (widths[i] as number) - least;
  const shrink = (numbers: readonly number[], leastOf: (i: number) => number): void => {
    while (total() > width && numbers.some((i) => spareOf(i, leastOf(i)) > 0)) {
      const shrinking = numbers.filter((i) => spareOf(i, leastOf(i)) > 0);
      const widest = shrinking.reduce((a, b) => (spareOf(b, 0) > spareOf(a, 0) ? b : a));
      widths[widest] = spareOf(widest, 1);
    }
  };
  const numbers = columns.map((_, i) => i);
  const partial = numbers.filter((i) => columns[i]?.isWhole !== true);
  shrink(partial, (i) => Math.max(narrowest, columns[i]?.title.length ?? 0));
  if (columns.every(({ isOptional }) => isOptional !== true)) {
    shrink(partial, () => narrowest);
    shrink(numbers, () => narrowest);
  }
  return widths.map((each) => each + gap);
}

/** The column that is left out because the others don't fit: the last optional one, or the last; -1 if all fit. */
function surplusColumn(columns: readonly Column[], widths: readonly number[], width: number): number {
  const total = widths.reduce((sum, each) => sum + each, -gap);
  if (total <= width || columns.length === 1) return -1;
  const optional = columns.findLastIndex(({ isOptional }) => isOptional === true);
  return optional < 0 ? columns.length - 1 : optional;
}

const borderless = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((place) => [place, '']),
);
