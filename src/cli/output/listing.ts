// The listings of all commands: their tables, and their --format, which is docker's: "table", "table TEMPLATE", "json", or a
// template for each row.
import { showJson, showText } from '../../vfs/show-text.ts';
import { type Cell, type Column, formatTable } from './table.ts';
import { type Template, createTemplate } from './template/template.ts';
import { showForReader } from './terminal-lines.ts';

/** A field that a row has in templates, and its column in tables. */
export interface ListingField extends Column {
  readonly name: string;
}

/** The texts of a row, by the names of the fields. */
export type Fields = Readonly<Record<string, string>>;

export interface ListingRow {
  readonly fields: Fields;
  /** Cells of the command's own table that differ from the fields: styled, or with a remark. */
  readonly cells?: Readonly<Record<string, Cell>> | undefined;
}

export type RowFormat =
  /** The command's own table. */
  | { readonly kind: 'table' }
  | { readonly kind: 'json' }
  | { readonly kind: 'template'; readonly template: Template; readonly isTable: boolean };

/** Parses --format. Throws UsageError for a wrong template, and for fields that the rows don't have. */
export function parseRowFormat(format: string | undefined, fields: readonly ListingField[]): RowFormat {
  if (format === undefined || format === 'table') return { kind: 'table' };
  if (format === 'json') return { kind: 'json' };
  const [, table] = /^table\s+(.*)$/s.exec(format) ?? [];
  const names = fields.map(({ name }) => name);
  return {
    kind: 'template',
    template: createTemplate(unescape(table ?? format), names),
    isTable: table !== undefined,
  };
}

/** Replaces \t and \n, which a shell doesn't. Strings inside of actions have escapes of their own. */
function unescape(text: string): string {
  return text.replace(/\{\{.*?\}\}|\\([nt])/gs, (whole, letter: string | undefined) =>
    letter === undefined ? whole : letter === 'n' ? '\n' : '\t',
  );
}

/** True if the output shows the field. `shown`: the fields of the command's own table. */
export function usesField(format: RowFormat, field: string, shown: readonly string[]): boolean {
  if (format.kind === 'table') return shown.includes(field);
  return format.kind === 'json' || format.template.uses(field);
}

/** `shown`: the fields of the command's own table, in its order. `width`: as for `formatTable`. */
export function formatListing(
  fields: readonly ListingField[],
  rows: readonly ListingRow[],
  format: RowFormat,
  shown: readonly string[],
  width: number | undefined,
): string {
  switch (format.kind) {
    case 'table':
      return formatTable(
        shown.map((name) => fields.find((field) => field.name === name) as ListingField),
        rows.map((row) => shown.map((name) => row.cells?.[name] ?? row.fields[name] ?? '')),
        width,
      );
    case 'json':
      return rows.map((row) => `${showJson(row.fields)}\n`).join('');
    case 'template':
      return format.isTable
        ? formatTemplateTable(format.template, fields, rows, width)
        : rows.map((row) => `${format.template.apply(row.fields, showForReader)}\n`).join('');
  }
}

function formatTemplateTable(
  template: Template,
  fields: readonly ListingField[],
  rows: readonly ListingRow[],
  width: number | undefined,
): string {
  const headings = Object.fromEntries(fields.map(({ name, title }) => [name, title]));
  return formatTable(
    template
      .applyToHeadings(headings, showText)
      .split('\t')
      .map((title) => ({ title })),
    rows.map((row) => template.apply(row.fields, showText).split('\t')),
    width,
  );
}

/** The sentence of a command's help that lists the fields. */
export function describeFields(fields: readonly ListingField[]): string {
  const names = fields.map(({ name }) => `.${name}`);
  return `The fields of --format templates are ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}.`;
}
