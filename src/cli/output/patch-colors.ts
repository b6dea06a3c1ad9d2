// Colours a patch as git does: the header, the ranges, and the lines that were removed and added.
import type { Palette, Style } from './color.ts';

/**
 * `patch`: of one file, bytes as latin1. As in git, each line ends its style, also a line without one: a file's content may
 * hold escape sequences.
 */
export function paintPatch(patch: string, palette: Palette): string {
  let isInHeader = true;
  return patch
    .split('\n')
    .map((line) => {
      if (line.startsWith('@@ ')) isInHeader = false;
      if (line === '' || (isInHeader && line.startsWith('Binary files '))) return line;
      const style = isInHeader ? palette.header : styleOfLine(line, palette);
      return `${style === '' ? '' : `\x1b[${style}m`}${line}\x1b[m`;
    })
    .join('\n');
}

/** A line of a hunk, which begins with its kind. */
function styleOfLine(line: string, { added, deleted, hunk }: Palette): Style {
  return { '@': hunk, '+': added, '-': deleted }[line.charAt(0)] ?? '';
}
