// LayerChange: one entry of a new layer. ChangeSource: all entries of a new layer, with their attributes and bytes.
//
// Paths are bytes as latin1 without leading slash; the root's is empty. The order of `orderKey` puts a directory before the
// names in it, and its opaque whiteout before all other names in it.
import type { WrittenMember } from '../tar/tar-writer.ts';

export type LayerChange =
  /** Hides `path` of lower layers. */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** Hides all names that lower layers have in the directory `path`. */
  | { readonly kind: 'opaque'; readonly path: string }
  /** `inode` is a number that the source chooses; equal numbers are hard links. */
  | { readonly kind: 'inode'; readonly path: string; readonly inode: number };

/** An inode without its name; the `link` of a symlink is its target. */
export type DescribedInode = Omit<WrittenMember, 'path' | 'isHardLink'>;

export interface ChangeSource {
  /** In order, each path once, including the directories above each path. */
  readonly changes: readonly LayerChange[];
  /** Bytes of all regular files, for progress. */
  readonly totalSize: number;
  /** InputError if the inode can't be read. `path` is for messages. */
  describe(inode: number, path: string): DescribedInode;
  /** The stored pieces of a regular file, in order, without holes. Throws if the file changes meanwhile. */
  content(inode: number, described: DescribedInode, path: string): AsyncIterable<Uint8Array>;
}

export function orderKey({ kind, path }: LayerChange): string {
  // No name has a NUL.
  return kind === 'opaque' ? joinPath(path, '\0') : path;
}

/** The changes of `found` in order, each path once. */
export function inOrder(found: readonly LayerChange[]): LayerChange[] {
  const byKey = new Map(found.map((change) => [orderKey(change), change]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, change]) => change);
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
