// docker's --format: "json", "table TEMPLATE", or a Go template (text/template). Only the actions for tables are supported:
// {{.Field}}, {{json .}}, {{json .Field}}, {{upper .Field}} and {{lower .Field}}.
import { showJson, showText } from '../../vfs/show-text.ts';
import { formatTable } from './table.ts';
import { showForReader } from './terminal-lines.ts';
import { UsageError } from '../options/usage-error.ts';

export type Fields = Readonly<Record<string, string>>;

/** Formats the rows. `titles`: of all fields, for tables; other fields are rejected. */
export function formatRows(format: string, titles: Fields, rows: readonly Fields[], width?: number): string {
  if (format === 'json') return rows.map((row) => `${showJson(row)}\n`).join('');
  const [, table] = /^table\s+(.*)$/s.exec(format) ?? [];
  const parts = parseTemplate(table ?? format, titles, table === undefined ? showForReader : showText);
  const texts = rows.map((row) => parts.map((part) => part(row)).join(''));
  if (table === undefined) return texts.map((text) => `${text}\n`).join('');
  const head = parts.map((part) => part(titles)).join('');
  const cells = (text: string): string[] => text.split('\t');
  return formatTable(
    cells(head).map((title) => ({ title })),
    texts.map(cells),
    width,
  );
}

type Part = (row: Fields) => string;

function parseTemplate(text: string, titles: Fields, show: (text: string) => string): Part[] {
  const parts: Part[] = [];
  const plain = unescape(text);
  let end = 0;
  for (const match of plain.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)) {
    const before = plain.slice(end, match.index);
    const action = parseAction(match[1] ?? '', titles);
    parts.push(
      () => before,
      (row) => show(action(row)),
    );
    end = match.index + match[0].length;
  }
  const rest = plain.slice(end);
  if (rest.includes('{{')) throw new UsageError(`--format: found '{{' without '}}' in '${text}'`);
  return [...parts, () => rest];
}

function parseAction(action: string, titles: Fields): Part {
  const [, name, field] = /^(?:(json|upper|lower)\s+)?\.(\w*)$/.exec(action) ?? [];
  if (field === undefined || (field === '' && name !== 'json') || (field !== '' && !(field in titles))) {
    const fields = Object.keys(titles).map((each) => `.${each}`);
    throw new UsageError(
      `--format: found {{${action}}}, expected one of ${fields.join(', ')}, or json of it`,
    );
  }
  return (row) => {
    const value = row[field] ?? '';
    if (name === 'json') return showJson(field === '' ? row : value);
    if (name === 'upper') return value.toUpperCase();
    return name === 'lower' ? value.toLowerCase() : value;
  };
}

/** Replaces "\t" and "\n", which a shell doesn't. */
function unescape(text: string): string {
  return text.replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter);
}
