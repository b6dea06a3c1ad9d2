// Tables with aligned columns. On a terminal, cells are truncated to its width; if that is not enough, the last columns are
// left out. Elsewhere the table is complete.
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
  const shown = width === undefined ? columns.length : fittingColumns(widths, width);
  if (shown < columns.length) {
    return formatTable(
      columns.slice(0, shown),
      rows.map((row) => row.slice(0, shown)),
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
  const numbers = columns.map((_, i) => i);
  for (const shrinking of [numbers.filter((i) => columns[i]?.isWhole !== true), numbers]) {
    const widthOf = (i: number): number => widths[i] as number;
    while (total() > width && shrinking.some((i) => widthOf(i) > narrowest)) {
      const widest = shrinking.reduce((a, b) => (widthOf(b) > widthOf(a) ? b : a));
      widths[widest] = widthOf(widest) - 1;
    }
  }
  return widths.map((each) => each + gap);
}

/** The number of columns that fit a terminal, at least one. */
function fittingColumns(widths: readonly number[], width: number): number {
  let end = 0;
  const fitting = widths.findIndex((each) => (end += each) - gap > width);
  return fitting < 0 ? widths.length : Math.max(1, fitting);
}

const borderless = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((place) => [place, '']),
);
