// What native code may answer for: the tree's table, and where the bytes of the layers lie.
import type { Tree } from '../../tree/tree.ts';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import type { BlobReader } from '../../vfs/blob-reader.ts';
import { hasSelinuxLabels } from './selinux-labels.ts';

/** `readers`: one a layer, base first. `rest`: what an upper adds. */
export function answerTableOf(
  tree: Tree,
  readers: readonly BlobReader[],
  rest: Pick<AnswerTable, 'opens' | 'countsLinks'>,
): AnswerTable {
  return {
    table: tree.buffer,
    blobs: readers.map(({ plain }) => plain),
    hasSelinuxLabels: hasSelinuxLabels(tree),
    users: () => tree.users(),
    groups: () => tree.groups(),
    ...rest,
  };
}
