// --format as docker has it: "json", "table TEMPLATE", or a template of Go's text/template. Of that language only what
// people write for tables is understood: {{.Field}} and {{json .}}, {{json .Field}}, {{upper .Field}}, {{lower .Field}}.
import { showJson, showText } from '../../vfs/show-text.ts';
import { formatTable } from './table.ts';
import { showForReader } from './terminal-lines.ts';
import { UsageError } from '../options/usage-error.ts';

export type Fields = Readonly<Record<string, string>>;

/** The rows as `format` says. `titles`: of each field, for tables; they say which fields there are. */
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
    const known = Object.keys(titles).map((each) => `.${each}`);
    throw new UsageError(`--format: found {{${action}}}, expected one of ${known.join(', ')}, or json of it`);
  }
  return (row) => {
    const value = row[field] ?? '';
    if (name === 'json') return showJson(field === '' ? row : value);
    if (name === 'upper') return value.toUpperCase();
    return name === 'lower' ? value.toLowerCase() : value;
  };
}

/** A shell leaves "\t" and "\n" as they are typed. */
function unescape(text: string): string {
  return text.replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter);
}
