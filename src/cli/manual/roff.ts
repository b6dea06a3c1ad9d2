// Writes a manual page in man(7)'s macros, without warnings from mandoc and groff.
//
// Prose is plain text: options, placeholders and references such as fstab(5) get their own font. Lines of the source stay
// below 80 bytes, for mandoc -T lint.
import type { HelpBlock } from './help-text.ts';

export interface PageHeading {
  readonly name: string;
  /** 1 for commands, 8 for helpers of mount(8) and umount(8). */
  readonly section: number;
  readonly summary: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly version: string;
}

/** Placeholders in help, such as "<source>"; "<missing>" is output of stratafs. */
const PLACEHOLDER = /<(?!missing)([a-z]+)>/g;

const LINE_LENGTH = 76;
/** Columns for examples: 80 less their indentation. */
const EXAMPLE_WIDTH = 70;

/** Escapes text, so that each character is printed literally: `-` as minus, `'` as apostrophe, `\` as backslash. */
export function literal(text: string): string {
  const special: Readonly<Record<string, string>> = {
    '\\': '\\e',
    '-': '\\-',
    "'": '\\(aq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
    '"': '\\(dq',
  };
  return text.replace(/[\\\-'`^~"]/g, (character) => special[character] as string);
}

export const bold = (text: string): string => `\\fB${literal(text)}\\fR`;
export const italic = (text: string): string => `\\fI${literal(text)}\\fR`;

/**
 * An option, a command or a usage in bold, except for placeholders (words in capitals), brackets and ellipses.
 */
export function syntax(text: string): string {
  return text
    .replace(PLACEHOLDER, (_, name: string) => name.toUpperCase())
    .split(/([[\]()|,=:@]|\.\.\.|\s+|\b[A-Z][A-Z0-9]*\b)/)
    .filter((part) => part !== '')
    .map((part) => {
      if (/^[A-Z][A-Z0-9]+$|^[ABDNUW]$/.test(part)) return italic(part);
      return /^[[\]()|,=:@\s]|^\.\.\.$/.test(part) ? part : bold(part);
    })
    .join('');
}

/** Prose with its options in bold, its placeholders in italics, and its references to manual pages. */
export function prose(text: string): string {
  return text
    .split(/(<(?!missing)[a-z]+>|(?<![\w/.-])--?[A-Za-z][\w-]*(?:=[\w|]+)?|\b[a-z][\w.-]*\(\d\))/)
    .map((part, i) => {
      // No hyphens: nearly all of them are part of names, which are copied.
      if (i % 2 === 0) return part.replace(/[\\^~`-]/g, literal);
      if (part.startsWith('<')) return italic(part.slice(1, -1).toUpperCase());
      const [, page, section] = /^(.*)\((\d)\)$/.exec(part) ?? [];
      return page === undefined ? syntax(part) : `${bold(page)}(${section ?? ''})`;
    })
    .join('');
}

/** A macro's argument. */
const quote = (text: string): string => `"${text.replaceAll('"', '\\(dq')}"`;

export class RoffPage {
  readonly #lines: string[] = [];
  /** True if the next text needs a macro that begins a paragraph. */
  #isWithinText = false;

  constructor({ name, section, summary, date, version }: PageHeading) {
    this.#lines.push(
      '.\\" Made by scripts/manual.js from the descriptions of the commands.',
      `.TH ${quote(literal(name.toUpperCase()))} ${section} ${quote(date)} ${quote(`stratafs ${version}`)}`,
      '.nh',
    );
    this.section('NAME');
    this.#fill(`${bold(name)} \\- ${prose(summary)}`);
  }

  section(title: string): void {
    this.#lines.push(`.SH ${quote(title)}`);
    this.#isWithinText = false;
  }

  subsection(title: string): void {
    this.#lines.push(`.SS ${quote(literal(title))}`);
    this.#isWithinText = false;
  }

  /** A paragraph of plain text. */
  paragraph(text: string): void {
    this.roff(prose(text));
  }

  /** A paragraph with its fonts already set. */
  roff(text: string): void {
    if (this.#isWithinText) this.#lines.push('.PP');
    this.#fill(text);
  }

  /** Lines with their fonts already set, not filled. */
  lines(texts: readonly string[]): void {
    texts.forEach((text, i) => {
      if (i > 0) this.#lines.push('.br');
      this.#fill(text);
    });
  }

  /** A term, with its fonts, and its meaning below it, in plain text. */
  item(term: string, text: string): void {
    this.#lines.push('.TP', guard(term));
    this.#fill(prose(text));
  }

  /** Lines without filling. A remark at the end of a line is printed above it. */
  example(lines: readonly string[]): void {
    if (this.#isWithinText) this.#lines.push('.PP');
    const shown = lines.flatMap((line) => {
      const [, command = line, remark] = /^(.*\S) {2,}(\S.*)$/.exec(line) ?? [];
      return [...(remark === undefined ? [] : [`# ${remark}`]), ...breakCommand(command)];
    });
    this.#lines.push('.EX', ...shown.map((line) => guard(`  ${literal(line)}`)), '.EE');
    this.#isWithinText = true;
  }

  /** A command's help. */
  help(blocks: readonly HelpBlock[]): void {
    for (const block of blocks) {
      if (block.kind === 'text') this.paragraph(block.text);
      else if (block.kind === 'literal') this.example(block.lines);
      else for (const [term, text] of block.items) this.item(syntax(term), text);
    }
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #fill(text: string): void {
    let line = '';
    for (const word of text.split(/\s+/)) {
      if (line !== '' && line.length + 1 + word.length > LINE_LENGTH) {
        this.#lines.push(guard(line));
        line = '';
      }
      line += line === '' ? word : ` ${word}`;
    }
    this.#lines.push(guard(line));
    this.#isWithinText = true;
  }
}

/** Breaks a command that is too wide before an option. */
function breakCommand(command: string): string[] {
  if (command.length <= EXAMPLE_WIDTH) return [command];
  const end = command.lastIndexOf(' -', EXAMPLE_WIDTH);
  return end < 0 ? [command] : [`${command.slice(0, end)} \\`, `    ${command.slice(end + 1)}`];
}

/** Protects a line that begins with a dot or an apostrophe, which would be a request. */
function guard(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
