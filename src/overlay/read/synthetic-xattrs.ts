// The xattrs that the mount itself answers: `user.stratafs.NAME`. None is listed, so no copy carries them away.
import type { Tree } from '../../tree/tree.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, UPPER_DATA } from './inode.ts';

/** Names with this prefix are the mount's own. */
export const OWN_XATTR_PREFIX = 'user.stratafs.';
const PREFIX = Buffer.from(OWN_XATTR_PREFIX);
const LAYER = 'layer';

export interface SyntheticSources {
  /** Answers `user.stratafs.NAME` of the root, given NAME as latin1; undefined where it knows none. */
  readonly syntheticXattr?: ((name: string) => Uint8Array | undefined) | undefined;
  /**
   * Answers `user.stratafs.layer` of any node of the tree, given the layer (base 0) that holds its bytes or, of a
   * directory, its attributes; 'upper' where the upper does. Undefined: nothing answers it.
   */
  readonly nameLayer?: ((layer: number | 'upper') => Uint8Array) | undefined;
}

export class SyntheticXattrs {
  readonly #tree: Tree;
  readonly #sources: SyntheticSources;

  constructor(tree: Tree, sources: SyntheticSources) {
    this.#tree = tree;
    this.#sources = sources;
  }

  /** True for a name that is the mount's own, whether or not there is such a thing. */
  owns(name: Uint8Array): boolean {
    return PREFIX.compare(name, 0, Math.min(PREFIX.length, name.length)) === 0;
  }

  /**
   * The value of an own name; `lower`: the tree's inode, 0 for the root, -1 for what the upper alone has. `isWritten`: the
   * upper holds its bytes or, of a directory, its attributes.
   */
  find(lower: number, name: Uint8Array, isWritten = false): Uint8Array | undefined {
    if (!this.owns(name)) return undefined;
    const rest = Buffer.from(name.subarray(PREFIX.length)).toString('latin1');
    if (rest === LAYER) {
      if (isWritten || lower < 0) return this.#sources.nameLayer?.('upper');
      return this.#tree.layerCount > 0 ? this.#sources.nameLayer?.(this.#tree.layerOf(lower)) : undefined;
    }
    return lower === 0 ? this.#sources.syntheticXattr?.(rest) : undefined;
  }
}

/** True where the upper holds an inode's bytes or, of a directory, its attributes. */
export function isWritten(inode: Inode): boolean {
  if (inode instanceof DirectoryInode) return inode.hasUpperDirectory;
  return inode.hasUpper && inode.dataInode === UPPER_DATA;
}
