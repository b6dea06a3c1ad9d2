// A Dockerfile instruction in one table cell.
import { ellipsize } from './terminal-lines.ts';

/** Without the preceding comment, lines joined, truncated to `width`; '' for none. */
export function oneLine(instruction: string | undefined, width: number): string {
  const lines = (instruction ?? '').split('\n');
  while (lines.length > 1 && lines[0]?.startsWith('# ') === true) lines.shift();
  return ellipsize(lines.join(' ').replace(/\s*\\?\s{2,}/g, ' '), width);
}
