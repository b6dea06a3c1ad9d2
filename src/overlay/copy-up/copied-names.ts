// The links that the copy of a lower inode gets under the names of that inode.
import { linkAt } from '../../sys/upper-calls.ts';
import { Attr } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { copyUpDirectory, keepingTimes } from './copy-up-directory.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { isWhiteoutDevice, markHolder } from '../upper/shown-whiteout.ts';
import type { Place } from '../upper/upper.ts';
import type { VisibleName } from '../read/visible-names.ts';

/** Gives the upper file at `place`, a copy of the tree's inode `lower`, one more name; -EEXIST where the upper has it. */
export function linkTarget(state: CopyUpParts, lower: number, place: Place, target: VisibleName): Status {
  const prepared = prepareTarget(state, lower, target.directory);
  if (prepared < 0) return prepared;
  return keepingTimes(state, target.directory, (dir) =>
    linkAt(place.dir, place.name, dir, bytesOf(target.name)),
  );
}

/** Before a copy of the tree's inode `lower` gets a name in `directory`. */
export function prepareTarget(state: CopyUpParts, lower: number, directory: DirectoryInode): Status {
  let status = copyUpDirectory(state, directory);
  if (status === 0) status = state.upper.markImpure(directory);
  if (status < 0) return status;
  const attr = new Attr();
  state.tree.readAttr(lower, attr);
  return isWhiteoutDevice(attr.mode, attr.rdev) ? markHolder(state.upper, directory) : 0;
}
