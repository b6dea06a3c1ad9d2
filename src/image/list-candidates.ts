// Formats the candidates of a choice for people: place, names, platform, image ID and layers, in columns.
import { type ImageCandidate, namesOf } from './candidate.ts';
import { showText } from '../vfs/show-text.ts';
import { showPlatform } from './platform.ts';

/** Limit of the lines; an archive may hold thousands of images. */
const LINE_LIMIT = 40;

/** One indented line per candidate, without a newline at the end. */
export function listCandidates(candidates: readonly ImageCandidate[]): string {
  const rows = candidates.slice(0, LINE_LIMIT).map(row);
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(0, ...rows.map((cells) => (cells[column] ?? '').length)),
  );
  const lines = rows.map((cells) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
  const more = candidates.length - rows.length;
  if (more > 0) lines.push(`  and ${more} more`);
  return lines.join('\n');
}

function row(candidate: ImageCandidate): string[] {
  const { places, platform, id, digests, state } = candidate;
  const names = namesOf(candidate);
  return [
    `@${places[0]?.index ?? 0}`,
    names.length > 0 ? names.map(showText).join(', ') : '(no name)',
    platform === undefined ? '-' : showText(showPlatform(platform)),
    (id ?? digests.at(-1))?.slice('sha256:'.length).slice(0, 12) ?? '-',
    describeState(state),
  ];
}

function describeState(state: ImageCandidate['state']): string {
  if (state.kind === 'artifact') return 'no image';
  if (state.kind === 'broken') return state.isMissing ? 'not saved here' : 'broken';
  const count = state.content.layers.length;
  return count === 1 ? '1 layer' : `${count} layers`;
}
