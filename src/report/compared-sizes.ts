// Tables of the bytes that two images show, by directory and by file type, with the difference.
import { element, part } from './dom.ts';
import { bytesByType, titleOfType } from './file-types.ts';
import type { DirectoryPair, Two } from './paired-directories.ts';
import { type Cell, type Column, fillTable } from './tables.ts';
import type { ViewState } from './view-state.ts';
import { counted, signedSize, size } from './words.ts';

/** More directories are added up in a last row. */
const ROWS = 40;

interface Row {
  readonly head: Cell;
  readonly before: number;
  readonly after: number;
}

const columnsOf = (first: string, [a, b]: Two<string>): Column[] => [
  { title: first },
  { title: a, isNumber: true },
  { title: b, isNumber: true },
  { title: 'Difference', isNumber: true },
];

const cellsOf = ({ head, before, after }: Row): Cell[] => [
  head,
  size(before),
  size(after),
  signedSize(after - before),
];

/** The largest difference first, then the largest size. */
function byDifference(x: Row, y: Row): number {
  const grown = ({ before, after }: Row): number => Math.abs(after - before);
  return grown(y) - grown(x) || y.before - x.before;
}

/** The directories in a pair, and the files that are directly in it. */
export function showDirectorySizes(
  states: Two<ViewState>,
  titles: Two<string>,
  pairs: readonly DirectoryPair[],
  shown: number,
  open: (pair: number) => void,
): void {
  const bytesOf = ({ nodes }: DirectoryPair, side: 0 | 1): number => states[side].sums[nodes[side]] ?? 0;
  const pair = pairs[shown] as DirectoryPair;
  let rows = pair.children.map((index): Row => {
    const child = pairs[index] as DirectoryPair;
    const head = element('button', { class: 'link', text: child.path, attributes: { type: 'button' } });
    head.addEventListener('click', () => open(index));
    return { head, before: bytesOf(child, 0), after: bytesOf(child, 1) };
  });
  const filesOf = (side: 0 | 1): number =>
    bytesOf(pair, side) - rows.reduce((sum, { before, after }) => sum + (side === 0 ? before : after), 0);
  rows.push({ head: 'files in this directory', before: filesOf(0), after: filesOf(1) });
  rows = rows.filter((row) => row.before + row.after > 0).sort(byDifference);
  const others = rows.splice(ROWS);
  const sumOf = (key: 'before' | 'after'): number => others.reduce((sum, row) => sum + row[key], 0);
  if (others.length > 0)
    rows.push({
      ...{ head: counted(others.length, 'other'), before: sumOf('before'), after: sumOf('after') },
    });
  rows.push({ head: element('b', { text: 'all' }), before: bytesOf(pair, 0), after: bytesOf(pair, 1) });
  fillTable(part('compared-directories'), columnsOf('Directory', titles), rows.map(cellsOf), true);
}

/** The file types in a pair. */
export function showTypeSizes(states: Two<ViewState>, titles: Two<string>, { nodes }: DirectoryPair): void {
  const [before, after] = states.map(({ table, types, sums }, side) => {
    const node = nodes[side] ?? -1;
    return node < 0 ? [] : bytesByType(table, types, sums, node);
  });
  const types = [...new Set([...(before ?? []).keys(), ...(after ?? []).keys()])];
  const rows = types
    .map((type): Row => ({
      head: titleOfType(type),
      before: before?.[type] ?? 0,
      after: after?.[type] ?? 0,
    }))
    .filter((row) => row.before + row.after > 0)
    .sort(byDifference);
  fillTable(part('compared-types'), columnsOf('File type', titles), rows.map(cellsOf), true);
}
