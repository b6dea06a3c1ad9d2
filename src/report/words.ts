// The wording of the page: sizes as docker writes them, percentages, and kinds of nodes.
import { showDockerSize } from '../inspect/docker-size.ts';
import { type HidingCause, NodeKind } from '../inspect/report-format.ts';
import type { NodeTable } from './node-table.ts';

export const size = (bytes: number): string => showDockerSize(bytes);

/** "+1.2kB", a minus and "3B", or "0B". */
export const signedSize = (bytes: number): string =>
  `${bytes > 0 ? '+' : bytes < 0 ? '\u2212' : ''}${size(Math.abs(bytes))}`;

const grouped = new Intl.NumberFormat('en');

/** "1,234". */
export const number = (count: number): string => grouped.format(count);

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** "12.3 %"; a non-zero part that would round to 0 is "<0.1 %". */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const value = (100 * part) / whole;
  return value < 0.1 ? '<0.1 %' : `${value.toFixed(1)} %`;
}

const causes: Readonly<Record<HidingCause, string>> = {
  entry: 'overwritten',
  whiteout: 'deleted',
  opaque: 'hidden by an opaque directory',
  replaced: 'deleted with a directory that was replaced',
};

export const causeWords = (cause: HidingCause): string => causes[cause];

/** The kind of a node, without its name. */
export function kindWords(table: NodeTable, node: number): string {
  switch (table.kindOf(node)) {
    case NodeKind.directory:
      return 'directory';
    case NodeKind.file:
      return 'file';
    case NodeKind.link:
      return 'hard link, its bytes count at another name';
    case NodeKind.symlink:
      return 'symlink';
    case NodeKind.special:
      return 'device, fifo or socket';
    case NodeKind.gone:
      return 'directory that is gone';
    case NodeKind.folded:
      return `${counted(table.foldedNamesOf(node), 'smaller name')}${table.isWasted(node) ? ', wasted' : ''}`;
    case NodeKind.hidden: {
      const { layer, cause } = table.hiddenBy(node);
      return `wasted: ${causeWords(cause)} by layer ${layer}`;
    }
  }
}
