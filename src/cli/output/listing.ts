// The listings of all commands: their tables, and their --format, which is docker's: "table", "table TEMPLATE", "json", or a
// template for each row.
import { showJson, showText } from '../../vfs/show-text.ts';
import { type Cell, type Column, formatTable } from './table.ts';
import { type Template, createTemplate } from './template/template.ts';
import { outputWidth } from './terminal.ts';
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

type ParsedFormat =
  /** The command's own table. */
  | { readonly kind: 'table' }
  | { readonly kind: 'json' }
  | { readonly kind: 'template'; readonly template: Template; readonly isTable: boolean };

/** The fields of a command's rows. */
export class Listing {
  readonly #fields: readonly ListingField[];

  constructor(fields: readonly ListingField[]) {
    this.#fields = fields;
  }

  /** The sentence of the command's help that lists the fields. */
  get help(): string {
    const names = this.#fields.map(({ name }) => `.${name}`);
    return `The fields of --format templates are ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}.`;
  }

  /** Parses --format. Throws UsageError for a wrong template, and for fields that the rows don't have. */
  parse(format: string | undefined): RowFormat {
    return new RowFormat(this.#fields, parseFormat(format, this.#fields));
  }
}

/** How --format writes the rows of a listing. */
export class RowFormat {
  readonly #fields: readonly ListingField[];
  readonly #format: ParsedFormat;

  constructor(fields: readonly ListingField[], format: ParsedFormat) {
    this.#fields = fields;
    this.#format = format;
  }

  /** True for the command's own table. */
  get isOwnTable(): boolean {
    return this.#format.kind === 'table';
  }

  /** True for any table, whose columns depend on all rows. */
  get isTable(): boolean {
    return this.#format.kind === 'table' || (this.#format.kind === 'template' && this.#format.isTable);
  }

  /** True if the output shows the field. `shown`: as for `write`. */
  uses(field: string, shown: readonly string[]): boolean {
    const format = this.#format;
    if (format.kind === 'table') return shown.includes(field);
    return format.kind === 'json' || format.template.uses(field);
  }

  /** The output, at most as wide as the terminal. `shown`: the fields of the command's own table, in its order; by default all. */
  write(
    rows: readonly ListingRow[],
    shown: readonly string[] = this.#fields.map(({ name }) => name),
  ): string {
    const format = this.#format;
    switch (format.kind) {
      case 'table':
        return formatTable(
          shown.map((name) => this.#fields.find((field) => field.name === name) as ListingField),
          rows.map((row) => shown.map((name) => row.cells?.[name] ?? row.fields[name] ?? '')),
          outputWidth(),
        );
      case 'json':
        return rows.map((row) => `${showJson(row.fields)}\n`).join('');
      case 'template':
        return format.isTable
          ? formatTemplateTable(format.template, this.#fields, rows)
          : rows.map((row) => `${format.template.apply(row.fields, showForReader)}\n`).join('');
    }
  }
}

function parseFormat(format: string | undefined, fields: readonly ListingField[]): ParsedFormat {
  if (format === undefined || format === 'table') return { kind: 'table' };
  if (format === 'json') return { kind: 'json' };
  const [, table] = /^table\s+(.*)$/s.exec(format) ?? [];
  return {
    kind: 'template',
    template: createTemplate(
      unescape(table ?? format),
      fields.map(({ name }) => name),
    ),
    isTable: table !== undefined,
  };
}

/** Replaces \t and \n, which a shell doesn't. Strings inside of actions have escapes of their own. */
function unescape(text: string): string {
  return text.replace(/\{\{.*?\}\}|\\([nt])/gs, (whole, letter: string | undefined) =>
    letter === undefined ? whole : letter === 'n' ? '\n' : '\t',
  );
}

function formatTemplateTable(
  template: Template,
  fields: readonly ListingField[],
  rows: readonly ListingRow[],
): string {
  const headings = Object.fromEntries(fields.map(({ name, title }) => [name, title]));
  return formatTable(
    template
      .applyToHeadings(headings, showText)
      .split('\t')
      .map((title) => ({ title })),
    rows.map((row) => template.apply(row.fields, showText).split('\t')),
    outputWidth(),
  );
}
