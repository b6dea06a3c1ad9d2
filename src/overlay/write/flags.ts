// FS_IOC_GETFLAGS and SETFLAGS (chattr): of the upper's file; a layer keeps none.
import { getFlags, setFlags } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFREG } from '../../vfs/attr.ts';
import { ENOTTY } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { METADATA, copyUp } from '../copy-up/copy-data.ts';
import { hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { withUpperFile } from './open-files.ts';
import type { OverlayState } from './overlay-state.ts';

/** FS_*_FL bits, or a negative errno. */
export function readFlags(state: OverlayState, inode: Inode): number {
  if (inode.type !== S_IFREG && inode.type !== S_IFDIR) return -ENOTTY;
  return hasUpperFile(inode) ? withUpperFile(state, inode, getFlags) : 0;
}

export function changeFlags(
  state: OverlayState,
  inode: Inode,
  flags: number,
  call: Call,
): MaybePromise<Status> {
  if (inode.type !== S_IFREG && inode.type !== S_IFDIR) return -ENOTTY;
  const set = (status: Status): Status =>
    status < 0 ? status : withUpperFile(state, inode, (fd) => setFlags(fd, flags));
  const copied = copyUp(state, inode, METADATA, call);
  return typeof copied === 'number' ? set(copied) : copied.then(set);
}
