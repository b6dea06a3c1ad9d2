// FS_IOC_GETFLAGS and FS_IOC_SETFLAGS (chattr(1)): the flags of the upper's file. Files of layers have no flags, except that a
// layer which is a directory may have immutable and append-only files.
//
// As in kernel overlayfs, these two flags are stored in overlay.protattr: for all directories, because files are copied up into
// them, and for files that had them in a layer. On other files of the upper the flags themselves are set, so passthrough obeys them.
import { getFlags, setFlags } from '../../sys/upper-calls.ts';
import { encodeProtattr } from '../../overlayfs-format/protattr.ts';
import { S_IFDIR, S_IFREG } from '../../vfs/attr.ts';
import { ENODATA, ENOTTY } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import { PROTECTION_FLAGS } from '../../vfs/inode-flags.ts';
import type { Call } from '../../vfs/operation.ts';
import { METADATA, copyUp } from '../copy-up/copy-up.ts';
import { hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { withUpperFile } from './open-files.ts';
import type { OverlayState } from './overlay-state.ts';
import { upperPlace } from './set-attributes.ts';

/** FS_*_FL bits, or a negative errno. */
export function readFlags(state: OverlayState, inode: Inode): number {
  if (inode.type !== S_IFREG && inode.type !== S_IFDIR) return -ENOTTY;
  const flags = hasUpperFile(inode) ? withUpperFile(state, inode, getFlags) : 0;
  return flags < 0 ? flags : flags | inode.protection;
}

export function changeFlags(
  state: OverlayState,
  inode: Inode,
  flags: number,
  call: Call,
): MaybePromise<Status> {
  if (inode.type !== S_IFREG && inode.type !== S_IFDIR) return -ENOTTY;
  const set = (status: Status): Status => {
    if (status < 0) return status;
    if (inode.protection === 0 && inode.type !== S_IFDIR)
      return withUpperFile(state, inode, (fd) => setFlags(fd, flags));
    const own = withUpperFile(state, inode, (fd) => setFlags(fd, flags & ~PROTECTION_FLAGS));
    return own < 0 ? own : changeProtection(state, inode, flags & PROTECTION_FLAGS);
  };
  const copied = copyUp(state, inode, METADATA, call);
  return typeof copied === 'number' ? set(copied) : copied.then(set);
}

function changeProtection(state: OverlayState, inode: Inode, protection: number): Status {
  const place = upperPlace(state, inode);
  if (typeof place === 'number') return place;
  const { dir, name } = place;
  const { marks } = state.upper;
  const status =
    protection === 0
      ? marks.remove(dir, name, 'protattr')
      : marks.set(dir, name, 'protattr', encodeProtattr(protection));
  if (status < 0 && status !== -ENODATA) return status;
  inode.protection = protection;
  return 0;
}
