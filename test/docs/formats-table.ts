// The tables of docs/formats.md, so that tests can hold them against the code.
import { readFileSync } from 'node:fs';

/** The rows of all tables in the section with this heading, as their cells, in the order in which they stand. */
export function tableRows(heading: string): string[][] {
  const text = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/formats.md has no section "${heading}"`);
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The fields among `rows`, those whose first cell is an offset: their offsets by name, and where the last one ends. */
export function documentedFields(rows: readonly string[][]): { fields: Record<string, number>; end: number } {
  const fields: Record<string, number> = {};
  let end = 0;
  for (const [offset, size, name] of rows) {
    if (offset === undefined || !/^\d+$/.test(offset)) continue;
    if (Number(offset) !== end) throw new Error(`${name}: found offset ${offset}, expected ${end}`);
    fields[name ?? ''] = end;
    end += Number(size);
  }
  return { fields, end };
}
