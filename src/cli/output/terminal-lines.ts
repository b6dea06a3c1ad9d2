// Lines for a terminal, no longer than it is wide, measured in its columns: a Chinese character takes two of them.
import stringWidth from 'string-width';
import { showText } from '../../vfs/show-text.ts';
import { isOutputTerminal, outputWidth } from './terminal.ts';

/** `text` in at most `width` columns, the last of them an ellipsis where it was cut. */
export function ellipsize(text: string, width: number): string {
  if (text.length <= width && /^[\x20-\x7e]*$/.test(text)) return text;
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}\u2026`;
}

/** Columns that `text` takes. */
export function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** Foreign text in a line: escaped on a terminal, and as it is for a program that reads it, like the output of ls(1). */
export function showForReader(text: string): string {
  return isOutputTerminal() ? showText(text) : text;
}

/** One line, cut to the terminal's width; whole where it goes elsewhere. */
export function fitLine(text: string): string {
  return ellipsize(text, outputWidth() ?? Infinity);
}

/** Breaks a line between words; all lines but the first are indented by `indent` columns. */
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
