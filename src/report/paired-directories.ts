// The directories of two images, paired by path, so that both treemaps show the same directory.
import { NodeKind } from '../inspect/report-format.ts';
import type { NodeTable } from './node-table.ts';

export type Two<T> = readonly [T, T];

export interface DirectoryPair {
  readonly path: string;
  readonly name: string;
  /** An index in the list; the root is its own parent. */
  readonly parent: number;
  readonly children: number[];
  /** The directory in each image; -1 if the image does not have it. */
  readonly nodes: Two<number>;
}

/** Parents first; the root is 0. */
export function pairDirectories(tables: Two<NodeTable>): DirectoryPair[] {
  const pairs: DirectoryPair[] = [{ path: '/', name: '/', parent: 0, children: [], nodes: [0, 0] }];
  // The list grows while it is walked.
  for (const [parent, { path, nodes, children }] of pairs.entries()) {
    const found = new Map<string, [number, number]>();
    tables.forEach((table, side) => {
      const directory = nodes[side] ?? -1;
      for (const node of directory < 0 ? [] : table.childrenOf(directory)) {
        if (table.kindOf(node) !== NodeKind.directory) continue;
        const name = table.nameOf(node);
        const both = found.get(name) ?? [-1, -1];
        both[side as 0 | 1] = node;
        found.set(name, both);
      }
    });
    for (const [name, both] of found) {
      children.push(pairs.length);
      pairs.push({ path: `${path === '/' ? '' : path}/${name}`, name, parent, children: [], nodes: both });
    }
  }
  return pairs;
}

/** Absolute path of the parent directory. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
