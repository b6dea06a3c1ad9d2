// SyntheticXattrs: the xattrs `user.stratafs.NAME`, which the mount computes. They are not listed, so `cp -a` does not copy them.
import type { Tree } from '../../tree/tree.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, UPPER_DATA } from './inode.ts';

/** Names with this prefix are the mount's own. */
export const OWN_XATTR_PREFIX = 'user.stratafs.';
const PREFIX = Buffer.from(OWN_XATTR_PREFIX);
const LAYER = 'layer';

export interface SyntheticSources {
  /** The value of `user.stratafs.NAME` of the root. NAME is latin1. Undefined if the xattr does not exist. */
  readonly syntheticXattr?: ((name: string) => Uint8Array | undefined) | undefined;
  /**
   * The value of `user.stratafs.layer` for a layer (base 0), or for 'upper'. The layer of a node is the one that has its bytes or,
   * for a directory, its attributes. Undefined: the mount does not have this xattr.
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

  /** True for a name with the mount's prefix, even if no such xattr exists. */
  owns(name: Uint8Array): boolean {
    return PREFIX.compare(name, 0, Math.min(PREFIX.length, name.length)) === 0;
  }

  /**
   * The value of a synthetic xattr. `lower`: the tree's inode, 0 for the root, -1 if only the upper has it. `isWritten`: the upper
   * has its bytes or, for a directory, its attributes.
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

/** True if the upper has an inode's bytes or, for a directory, its attributes. */
export function isWritten(inode: Inode): boolean {
  if (inode instanceof DirectoryInode) return inode.hasUpperDirectory;
  return inode.hasUpper && inode.dataInode === UPPER_DATA;
}
