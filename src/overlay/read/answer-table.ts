// What native code may answer for: the tree's table, and where the bytes of the layers lie.
import type { Tree } from '../../tree/tree.ts';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import type { BlobReader } from '../../vfs/blob-reader.ts';
import { unsupportedXattr } from './selinux-labels.ts';
import { OWN_XATTR_PREFIX } from './synthetic-xattrs.ts';

/** `readers`: one a layer, base first. `rest`: what an upper adds. */
export function answerTableOf(
  tree: Tree,
  readers: readonly BlobReader[],
  rest: Pick<AnswerTable, 'opens' | 'countsLinks'>,
): AnswerTable {
  return {
    table: tree.buffer,
    blobs: readers.map(({ plain }) => plain),
    ownXattrPrefix: OWN_XATTR_PREFIX,
    unsupportedXattr: unsupportedXattr(tree),
    users: () => tree.users(),
    groups: () => tree.groups(),
    ...rest,
  };
}
