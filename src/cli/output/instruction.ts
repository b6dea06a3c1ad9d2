// An instruction of a Dockerfile in one cell of a table.
import { ellipsize } from './terminal-lines.ts';

/** Without the comment ahead of it, its lines joined, cut to `width`; '' for none. */
export function oneLine(instruction: string | undefined, width: number): string {
  const lines = (instruction ?? '').split('\n');
  while (lines.length > 1 && lines[0]?.startsWith('# ') === true) lines.shift();
  return ellipsize(lines.join(' ').replace(/\s*\\?\s{2,}/g, ' '), width);
}
