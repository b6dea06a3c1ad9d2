// CopyUpParts: the parts of a writable overlay that copying up works on. OverlayState (overlay/write) has them all; this
// file names them so that copying up and recovery need not know that class.
import type { Tree } from '../../tree/tree.ts';
import type { TreeNames } from '../../tree/tree-names.ts';
import type { ChangedAttributes } from '../read/changed-attributes.ts';
import type { Directories } from '../read/directories.ts';
import type { Inodes } from '../read/inodes.ts';
import type { LowerContent } from '../read/lower-content.ts';
import type { Upper } from '../upper/upper.ts';
import type { Background } from './background.ts';

export interface CopyUpParts {
  readonly tree: Tree;
  /** From the tree's inodes to their names. */
  readonly names: TreeNames;
  readonly content: LowerContent;
  readonly upper: Upper;
  readonly inodes: Inodes;
  readonly directories: Directories;
  /** Inodes whose attributes the kernel must read again. */
  readonly changed: ChangedAttributes;
  /** Links that the names of shared copies get after the copy-up was answered. */
  readonly linking: Background;
}
