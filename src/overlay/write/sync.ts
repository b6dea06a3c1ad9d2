// fsync(2) and fdatasync(2) of what the upper has of an inode.
import { syncLater } from '../../sys/upper-calls.ts';
import { S_IFREG } from '../../vfs/attr.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { andThen } from './and-then.ts';
import { withUpperFile } from './open-files.ts';
import type { OverlayState } from './overlay-state.ts';

/** Does nothing for an inode that only the tree has. */
export function syncInode(state: OverlayState, inode: Inode, isDataOnly: boolean): MaybePromise<Status> {
  if (state.upper.isVolatile) return 0;
  if (inode instanceof DirectoryInode) {
    if (!inode.hasUpperDirectory) return 0;
    const fd = state.upper.directoryFd(inode);
    return fd < 0 ? fd : syncLater(fd, isDataOnly);
  }
  if (!inode.hasUpper || inode.type !== S_IFREG) return 0;
  const synced = withUpperFile(state, inode, (fd) => syncLater(fd, isDataOnly));
  return andThen(synced, () => {
    // Late allocation of blocks is done now, so st_blocks may have changed.
    state.changed.add(inode);
    return 0;
  });
}
