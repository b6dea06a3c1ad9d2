// LayerChange: one entry of a layer that is to be written, and where the entries of one come from.
//
// Paths are bytes as latin1, without leading slash, the root's empty. In the order of `orderKey` a directory comes before
// what is in it, and what makes it opaque before all else in it.
import type { WrittenMember } from '../tar/tar-writer.ts';

export type LayerChange =
  /** Hides what lower layers have at `path`. */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** Hides all that lower layers have in the directory `path`. */
  | { readonly kind: 'opaque'; readonly path: string }
  /** `inode` is a number of the source's own; equal numbers are hard links. */
  | { readonly kind: 'inode'; readonly path: string; readonly inode: number };

/** An inode without its name; the `link` of a symlink is its target. */
export type DescribedInode = Omit<WrittenMember, 'path' | 'isHardLink'>;

export interface ChangeSource {
  /** In order, each path once, directories above included. */
  readonly changes: readonly LayerChange[];
  /** Bytes of all regular files, for who shows how far it is. */
  readonly totalSize: number;
  /** Throws InputError for what can't be read. `path`: for messages. */
  describe(inode: number, path: string): DescribedInode;
  /** What is stored of a regular file: its pieces one behind the other. Throws where it is changed meanwhile. */
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
