// Merges the layers into a Tree once, at the mount. Afterwards a lookup costs the same with 1 layer and with 127.
//
// Three passes: resolve hard links to lower layers, plan the merge, fill the table. The indexes are not needed
// afterwards. name-merge.ts has the OCI rules.
import type { LayerIndex } from '../layer/layer-index.ts';
import { InputError } from '../vfs/input-error.ts';
import { emptyHiddenRepeats } from './hidden-repeats.ts';
import { resolveLowerLinks } from './lower-links.ts';
import { MAX_TREE_ENTRIES } from './merge-plan.ts';
import { planMerge } from './merge-walk.ts';
import { fillTable } from './table-fill.ts';
import { Tree } from './tree.ts';

/** The table stores a layer number in 16 bits. */
export const MAX_LAYERS = 65_535;

export interface MergeOptions {
  /** The name of layer `layer` (base 0) in messages; by default "layer 1" is the base. */
  readonly nameLayer?: (layer: number) => string;
  /**
   * True: a file that needs a mark which may not be followed exists but can't be looked up. False, the default:
   * InputError.
   */
  readonly forbidsUnfollowed?: boolean;
  /** Limit of inodes and of names; MAX_TREE_ENTRIES by default. */
  readonly maxEntries?: number;
}

/**
 * `listed` base first. Throws InputError for more than MAX_LAYERS layers, for a hard link to a directory or to a name
 * that no lower layer has, for a mark that may not be followed, for more than `maxEntries` inodes, and for more than 4
 * GiB of names or of xattrs.
 */
export function buildTree(listed: readonly LayerIndex[], options: MergeOptions = {}): Tree {
  if (listed.length > MAX_LAYERS) {
    throw new InputError(`the image has ${listed.length} layers, expected at most ${MAX_LAYERS}`);
  }
  const nameLayer = options.nameLayer ?? ((layer: number): string => `layer ${layer + 1}`);
  const indexes = emptyHiddenRepeats(listed);
  const links = resolveLowerLinks(indexes, nameLayer);
  const plan = planMerge(indexes, links, options.maxEntries ?? MAX_TREE_ENTRIES);
  const [path] = plan.forbidden.values();
  if (path !== undefined && options.forbidsUnfollowed !== true) throw new InputError(unfollowed(path));
  return new Tree(fillTable(plan, indexes));
}

/** The reason why `path` can't be shown, and who can show it. */
export function unfollowed(path: string): string {
  return `/${path}: shows a lower file by a mark in user.overlay.* (redirect or metacopy), which any writer of the file could have set; only its owner's own mount follows it, never root: do this as its owner, or convert the upper directory (docs/formats.md)`;
}
