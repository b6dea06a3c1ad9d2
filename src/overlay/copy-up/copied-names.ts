// The names of a lower inode that is copied up: where it shows, and the link that its copy gets there.
import { linkAt } from '../../sys/upper-calls.ts';
import { Attr } from '../../vfs/attr.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { copyUpDirectory, keepingTimes } from './copy-up-directory.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { OverlayState } from '../write/overlay-state.ts';
import { isWhiteoutDevice, markHolder } from '../write/shown-whiteout.ts';
import type { Place } from '../upper/upper.ts';

/** Where a copy is to appear. */
export interface Target {
  readonly directory: DirectoryInode;
  readonly name: string;
}

/** Where the tree's inode shows in the mount now. */
export function visibleNames(state: OverlayState, lower: number): Target[] | number {
  const targets: Target[] = [];
  for (const dentry of state.names.dentriesOf(lower)) {
    const directory = state.directories.getLower(state.names.directoryOf(dentry));
    if (directory === -ENOENT) continue;
    if (typeof directory === 'number') return directory;
    if (!directory.isRemoved && !directory.hidden.has(dentry)) {
      targets.push({ directory, name: state.tree.nameOf(dentry) });
    }
  }
  return targets;
}

/** Gives the upper file at `place`, a copy of the tree's inode `lower`, one more name; -EEXIST where the upper has it. */
export function linkTarget(state: OverlayState, lower: number, place: Place, target: Target): Status {
  const prepared = prepareTarget(state, lower, target.directory);
  if (prepared < 0) return prepared;
  return keepingTimes(state, target.directory, (dir) =>
    linkAt(place.dir, place.name, dir, bytesOf(target.name)),
  );
}

/** Before a copy of the tree's inode `lower` gets a name in `directory`. */
export function prepareTarget(state: OverlayState, lower: number, directory: DirectoryInode): Status {
  let status = copyUpDirectory(state, directory);
  if (status === 0) status = state.upper.markImpure(directory);
  if (status < 0) return status;
  const attr = new Attr();
  state.tree.readAttr(lower, attr);
  return isWhiteoutDevice(attr.mode, attr.rdev) ? markHolder(state.upper, directory) : 0;
}
