// How each node of one image differs from the other image.
import type { ReportDifference } from '../inspect/report-format.ts';
import type { NodeTable } from './node-table.ts';

export const Change = { none: 0, added: 1, changed: 2, deleted: 3 } as const;
export type Change = (typeof Change)[keyof typeof Change];

const ofKind = { A: Change.added, C: Change.changed, D: Change.deleted } as const;

export const changeWords = ['the same', 'added', 'changed', 'deleted'] as const;
/** Before the name of a tile, so that the colour isn't the only sign. */
export const changeSigns = ['', '+ ', '~ ', '\u2212 '] as const;

export const changeOf = ({ kind }: ReportDifference): Change => ofKind[kind];

/**
 * By node. Everything in an added or deleted directory is added or deleted, and so is everything in one that a file
 * replaces; any other changed directory says nothing of its names. `alone`: the change of names that only this image has.
 */
export function changesOf(
  table: NodeTable,
  differences: readonly ReportDifference[],
  alone: Change,
): Uint8Array {
  const changes = new Uint8Array(table.count);
  const byPath = new Map(differences.map((each) => [each.path, each]));
  const replaced = new Set<number>();
  for (const [node, path] of table.paths()) {
    const found = byPath.get(path);
    if (found?.attributes.includes('type') === true) replaced.add(node);
    const parent = table.parentOf(node);
    const ofParent = changes[parent] as Change;
    const inherited = replaced.has(parent) ? alone : ofParent === Change.changed ? Change.none : ofParent;
    changes[node] = found === undefined ? inherited : changeOf(found);
  }
  return changes;
}

/** Of a directory: the change of all its bytes, or `changed` if they differ. */
export function changeIn(table: NodeTable, changes: Uint8Array, sums: Float64Array, node: number): Change {
  if (!table.isDirectory(node)) return (changes[node] ?? Change.none) as Change;
  let found: number | undefined;
  for (let at = node; at < table.endOf(node); at++) {
    if (table.isDirectory(at) || (sums[at] ?? 0) === 0) continue;
    if (found !== undefined && found !== changes[at]) return Change.changed;
    found = changes[at];
  }
  return (found ?? Change.none) as Change;
}
