// Search by path: finds nodes whose path contains a text, the largest first.
import { NodeKind } from '../inspect/report-format.ts';
import type { NodeTable } from './node-table.ts';

export interface Found {
  /** The largest first; at most the requested number. */
  readonly nodes: readonly number[];
  readonly total: number;
}

/**
 * `sums`: bytes by node. Case-insensitive. The match must extend into the node's own name: a directory's path doesn't
 * match for everything in it. A folded node has no name and is never found.
 */
export function findPaths(table: NodeTable, sums: Float64Array, text: string, limit: number): Found {
  const wanted = text.toLowerCase();
  const found: number[] = [];
  /** Paths of the directories on the way, in lower case, each with a slash at its end. */
  const open = [{ path: '/', end: table.endOf(0) }];
  for (let node = 1; node < table.count; node++) {
    while ((open.at(-1)?.end ?? Infinity) <= node) open.pop();
    const prefix = open.at(-1)?.path ?? '';
    const isDirectory = table.isDirectory(node);
    const path = `${prefix}${table.nameOf(node).toLowerCase()}${isDirectory ? '/' : ''}`;
    const at = table.kindOf(node) === NodeKind.folded ? -1 : path.lastIndexOf(wanted);
    if (at >= 0 && at + wanted.length > prefix.length) found.push(node);
    if (isDirectory) open.push({ path, end: table.endOf(node) });
  }
  const bytesOf = (node: number): number => sums[node] ?? 0;
  const nodes = found.sort((a, b) => bytesOf(b) - bytesOf(a) || a - b).slice(0, limit);
  return { nodes, total: found.length };
}
