// Wraps a help text to the terminal's width.
//
//   Lines without indentation form a paragraph, up to a blank or indented line; it is refilled.
//   "  term   meaning": the meaning continues in the same column, or below the term if there is no room next to it.
//   Other indented lines (a usage, an example without a remark) are not changed, because people copy them.
// A wrapped text stays the same if it is wrapped again.
import { outputWidth } from './terminal.ts';
import { widthOf } from './terminal-lines.ts';

/** The width of help: that of the terminal, at most 120 columns; 80 without a terminal. */
export function helpWidth(): number {
  return Math.min(outputWidth() ?? 80, 120);
}

/** If the meaning would have fewer columns, it is printed below its term. */
const NARROWEST_MEANING = 24;

export function wrapHelp(help: string, width: number): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    if (paragraph.length > 0) lines.push(...fill(paragraph.join(' '), width));
    paragraph = [];
  };
  for (const line of help.split('\n')) {
    if (line !== '' && !line.startsWith(' ')) {
      paragraph.push(line);
      continue;
    }
    endParagraph();
    lines.push(...(widthOf(line) <= width ? [line] : wrapTerm(line, width)));
  }
  endParagraph();
  return lines.join('\n');
}

/** Wraps `  term   meaning`. */
function wrapTerm(line: string, width: number): string[] {
  const [, term, gap, meaning] = /^( +\S.*?)( {2,})(\S.*)$/.exec(line) ?? [];
  if (term === undefined || gap === undefined || meaning === undefined) return [line];
  const start = widthOf(term + gap);
  const room = width - start;
  const isBeside = room >= NARROWEST_MEANING;
  const indent = ' '.repeat(isBeside ? start : (/^ +/.exec(term)?.[0].length ?? 0) + 4);
  const below = fill(meaning, width - indent.length).map((text) => indent + text);
  return isBeside ? [term + gap + (below[0] ?? '').trimStart(), ...below.slice(1)] : [term, ...below];
}

/** The words of `text` in lines of at most `width` columns; a longer word is a line of its own. */
function fill(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (widthOf(line) + 1 + widthOf(word) <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
