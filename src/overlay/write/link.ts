// link: gives an inode another name, after copying it up; also gives a file of O_TMPFILE its first name.
import { linkAt, renameAt, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFDIR } from '../../vfs/attr.ts';
import { EEXIST, ENAMETOOLONG, ENOENT, EPERM } from '../../vfs/errno.ts';
import { closeSync } from 'node:fs';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import { NAME_MAX, latin1Of } from '../../vfs/names.ts';
import type { Call } from '../../vfs/operation.ts';
import { METADATA, copyUp } from '../copy-up/copy-up.ts';
import { copyUpDirectory } from '../copy-up/upper-directories.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseMarked, refuseNewName } from './protection.ts';
import { prepareMove } from './redirect.ts';
import type { Place } from '../upper/upper.ts';

export function link(
  state: OverlayState,
  inode: Inode,
  directory: DirectoryInode,
  lent: Uint8Array,
  call: Call,
): MaybePromise<Status> {
  if (inode.type === S_IFDIR) return -EPERM;
  if (lent.length > NAME_MAX) return -ENAMETOOLONG;
  if (state.upper.names.isReserved(lent)) return -EPERM;
  const refused = refuseMarked(inode) || refuseNewName(directory);
  if (refused < 0) return refused;
  const name = Buffer.from(lent);
  const copied = copyUp(state, inode, METADATA, call);
  return typeof copied === 'number'
    ? copied < 0
      ? copied
      : linkUpper(state, inode, directory, name)
    : copied.then((status) => (status < 0 ? status : linkUpper(state, inode, directory, name)));
}

function linkUpper(state: OverlayState, inode: Inode, directory: DirectoryInode, name: Buffer): Status {
  if (directory.isRemoved) return -ENOENT;
  const found = state.directories.find(directory, name);
  if (found !== -ENOENT) return found < 0 ? found : -EEXIST;
  const copied = copyUpDirectory(state, directory);
  if (copied < 0) return copied;
  const prepared = prepareMove(state, inode, directory, false);
  if (prepared < 0) return prepared;
  const place = state.upper.placeOf(inode);
  if (typeof place === 'number') return place;
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const key = latin1Of(name);
  const status = directory.whiteouts.has(key)
    ? linkOverWhiteout(state, place, dir, name)
    : linkAt(place.dir, place.name, dir, name);
  if (status < 0) return status;
  directory.whiteouts.delete(key);
  directory.add(key, false, inode);
  state.inodes.addName(inode, { directory, name: key }, inode.upperIno);
  if (inode.sharedEntry !== undefined) inode.sharedLinks++;
  if (inode.upperFd >= 0) closeSync(inode.upperFd);
  inode.upperFd = -1;
  return 0;
}

function linkOverWhiteout(state: OverlayState, place: Place, dir: number, name: Uint8Array): Status {
  const { workFd } = state.upper;
  const staged = state.upper.workNames.next();
  const status = linkAt(place.dir, place.name, workFd, staged);
  if (status < 0) return status;
  const renamed = renameAt(workFd, staged, dir, name, 0);
  if (renamed < 0) unlinkAt(workFd, staged);
  return renamed;
}
