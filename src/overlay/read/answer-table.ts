// The table from which native code answers requests: the tree, and the places of the layers' bytes.
import type { Tree } from '../../tree/tree.ts';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import type { BlobReader } from '../../vfs/blob-reader.ts';
import { unsupportedXattr } from './selinux-labels.ts';
import { OWN_XATTR_PREFIX } from './synthetic-xattrs.ts';

/** `readers`: one per layer, base first. `rest`: the parts that depend on an upper. */
export function answerTableOf(
  tree: Tree,
  readers: readonly BlobReader[],
  rest: Pick<AnswerTable, 'opens' | 'upperRows' | 'hidden' | 'countsLinks'>,
): AnswerTable {
  return {
    table: tree.buffer,
    pristine: tree.pristine,
    blobs: () => readers.map(({ plain }) => plain),
    watchBlobs: (listener) => {
      const removals = [...new Set(readers)].map((reader) => reader.whenPlain?.(listener));
      return () => {
        for (const remove of removals) remove?.();
      };
    },
    ownXattrPrefix: OWN_XATTR_PREFIX,
    unsupportedXattr: unsupportedXattr(tree),
    users: () => tree.users(),
    groups: () => tree.groups(),
    ...rest,
  };
}
