// A manual page in man(7)'s macros, as mandoc and groff take them without a warning.
//
// Prose is plain text: options, placeholders and references such as fstab(5) in it are set off by font. Lines of the
// source stay below 80 bytes, as mandoc -T lint wants them.
import type { HelpBlock } from './help-text.ts';

export interface PageHeading {
  readonly name: string;
  /** 1 for commands, 8 for what the administrator's programs call. */
  readonly section: number;
  readonly summary: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly version: string;
}

/** "<source>", as help spells what the user fills in; "<missing>" is output of stratafs. */
const PLACEHOLDER = /<(?!missing)([a-z]+)>/g;

const LINE_LENGTH = 76;
/** Columns of 80 that are left by what examples are indented. */
const EXAMPLE_WIDTH = 70;

/** Text in which each character stands for itself: `-` a minus, `'` an apostrophe, `\` a backslash. */
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
 * An option, a command or a usage: bold, but for the placeholders, which are words in capitals, and what says that
 * something may be left out or repeated.
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
  /** What follows needs a macro that begins a paragraph. */
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

  /** A paragraph that has its fonts already. */
  roff(text: string): void {
    if (this.#isWithinText) this.#lines.push('.PP');
    this.#fill(text);
  }

  /** Lines that have their fonts already, each on a line of its own. */
  lines(texts: readonly string[]): void {
    texts.forEach((text, i) => {
      if (i > 0) this.#lines.push('.br');
      this.#fill(text);
    });
  }

  /** A term, with its fonts, and below it what it means, in plain text. */
  item(term: string, text: string): void {
    this.#lines.push('.TP', guard(term));
    this.#fill(prose(text));
  }

  /** Lines as they are, but for a remark at the end of one, which goes above it. */
  example(lines: readonly string[]): void {
    if (this.#isWithinText) this.#lines.push('.PP');
    const shown = lines.flatMap((line) => {
      const [, command = line, remark] = /^(.*\S) {2,}(\S.*)$/.exec(line) ?? [];
      return [...(remark === undefined ? [] : [`# ${remark}`]), ...breakCommand(command)];
    });
    this.#lines.push('.EX', ...shown.map((line) => guard(`  ${literal(line)}`)), '.EE');
    this.#isWithinText = true;
  }

  /** What a command's help says. */
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

/** A command that is too wide, in two lines: it goes on with an option. */
function breakCommand(command: string): string[] {
  if (command.length <= EXAMPLE_WIDTH) return [command];
  const end = command.lastIndexOf(' -', EXAMPLE_WIDTH);
  return end < 0 ? [command] : [`${command.slice(0, end)} \\`, `    ${command.slice(end + 1)}`];
}

/** A line that begins with a dot or an apostrophe would be a request. */
function guard(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
