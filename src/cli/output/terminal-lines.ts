// Truncates and breaks lines for a terminal. Widths are in columns: a Chinese character has two.
import stringWidth from 'string-width';
import { showText } from '../../vfs/show-text.ts';
import { isOutputTerminal, outputWidth } from './terminal.ts';

/** Truncates `text` to `width` columns, including an ellipsis. */
export function ellipsize(text: string, width: number): string {
  if (text.length <= width && /^[\x20-\x7e]*$/.test(text)) return text;
  if (stringWidth(text) <= width) return text;
  let start = '';
  let used = 1;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width) break;
    start += character;
  }
  return `${start}\u2026`;
}

/** The width of `text` in columns. */
export function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** Foreign text in a line: escaped on a terminal, and unchanged for a program that reads it, as in ls(1). */
export function showForReader(text: string): string {
  return isOutputTerminal() ? showText(text) : text;
}

/** One line, truncated to the terminal's width; complete if standard output is not a terminal. */
export function fitLine(text: string): string {
  return ellipsize(text, outputWidth() ?? Infinity);
}

/** Breaks a line between words; all lines except the first are indented by `indent` columns. */
export function wrapLine(text: string, indent: number): string {
  const width = outputWidth() ?? Infinity;
  if (widthOf(text) <= width) return text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S)(?= )/)) {
    if (line === '' || widthOf(line + word) <= width) line += word;
    else {
      lines.push(line);
      line = `${' '.repeat(indent)}${word.trimStart()}`;
    }
  }
  return [...lines, line].map(fitLine).join('\n');
}
