// Rows as an aligned table, or as JSON.
import { type Row, isMet, median, ratiosOf } from './measure.ts';

const titles = ['measurement', 'what', 'ours', 'theirs', 'rival', 'ratio', 'min-max', 'n', 'at most', ''];

/** Which columns hold figures, and are aligned to the right. */
const isFigure = (column: number): boolean => [2, 3, 5].includes(column);

const show = (value: number, unit: string): string =>
  unit === 's' && value < 0.1
    ? `${(value * 1000).toFixed(1)} ms`
    : `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}`;

function showBound({ bound, unit }: Row): string {
  switch (bound?.kind) {
    case undefined:
      return '';
    case 'ratio':
      return bound.most.toFixed(2);
    case 'value':
      return show(bound.most, unit);
    case 'both':
      return bound.text;
  }
}

function cellsOf(row: Row): string[] {
  const ratios = ratiosOf(row);
  const met = isMet(row);
  return [
    row.measurement,
    row.what,
    show(median(row.ours), row.unit),
    row.theirs === undefined ? '' : show(median(row.theirs), row.unit),
    row.rival ?? '',
    ratios.length === 0 ? '' : median(ratios).toFixed(2),
    ratios.length < 2 ? '' : `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`,
    String(row.ours.length),
    showBound(row),
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ];
}

export function formatTable(rows: readonly Row[]): string {
  const lines = [titles, ...rows.map(cellsOf)];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd() + '\n').join('');
}

/** Every sample, with the medians and the verdict. */
export function formatJson(rows: readonly Row[]): string {
  const described = rows.map((row) => ({
    measurement: row.measurement,
    what: row.what,
    unit: row.unit,
    rival: row.rival,
    ours: median(row.ours),
    theirs: row.theirs && median(row.theirs),
    ratio: row.theirs && median(ratiosOf(row)),
    bound: row.bound && showBound(row),
    met: isMet(row),
    samples: { ours: row.ours, theirs: row.theirs },
  }));
  return `${JSON.stringify(described, undefined, 2)}\n`;
}
