// rename: one renameat2(2) changes the names in the upper, including the whiteout; then the names in memory change.
//
// A lower inode is copied up first. A lower directory is copied up without its contents: overlay.redirect refers to its lower
// names. Marks are set before the renameat2(2); without it, they change nothing that the mount shows.
import { closeSync } from 'node:fs';
import {
  NO_NAME,
  O_PATH,
  openAt,
  renameAt,
  unlinkAt,
  RENAME_NOREPLACE,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
} from '../../sys/upper-calls.ts';
import { S_IFCHR, S_IFDIR } from '../../vfs/attr.ts';
import { EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from '../../vfs/errno.ts';
import type { MaybePromise, NodeId, Status } from '../../vfs/filesystem.ts';
import { NAME_MAX, bytesOf, latin1Of } from '../../vfs/names.ts';
import type { Call } from '../../vfs/operation.ts';
import { METADATA, copyUp } from '../copy-up/copy-up.ts';
import { copyUpDirectory } from '../copy-up/upper-directories.ts';
import { register } from './create.ts';
import { DirectoryInode, hasUpperFile } from '../read/directory-inode.ts';
import type { Inode } from '../read/inode.ts';
import { makeAndPublish } from './make-staged.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseProtected } from './protected.ts';
import { refuseMarked, refuseNewName } from './protection.ts';
import { prepareMove } from './redirect.ts';
import { linkName } from '../copy-up/shared-copies.ts';
import { markHolder } from '../upper/shown-whiteout.ts';
import { dropKept, forgetDirectory, keepNameless, prepareWhiteout, takeName } from './remove.ts';

/** The device that RENAME_WHITEOUT leaves (WHITEOUT_MODE and WHITEOUT_DEV, include/linux/fs.h). */
const WHITEOUT = { mode: S_IFCHR, rdev: 0, umask: 0 };

/** One end of a rename. */
interface End {
  readonly directory: DirectoryInode;
  /** A copy of the request's bytes. */
  readonly name: Buffer;
  readonly key: string;
  /** The tree has the name, and the directory does not hide all of the tree. */
  readonly hasLower: boolean;
}

export function rename(
  state: OverlayState,
  parent: DirectoryInode,
  name: Uint8Array,
  newParent: DirectoryInode,
  newName: Uint8Array,
  flags: number,
  call: Call,
): MaybePromise<Status> {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  if ((flags & RENAME_EXCHANGE) !== 0 && flags !== RENAME_EXCHANGE) return -EINVAL;
  if (newName.length > NAME_MAX) return -ENAMETOOLONG;
  if (state.upper.names.isReserved(newName)) return -EPERM;
  const from = endOf(state, parent, name);
  const to = endOf(state, newParent, newName);
  return renameEnds(state, from, to, flags, call);
}

function endOf(state: OverlayState, directory: DirectoryInode, lent: Uint8Array): End {
  const name = Buffer.from(lent);
  const hasLower = state.directories.needsWhiteout(directory, name);
  return { directory, name, key: latin1Of(name), hasLower };
}

function inodeAt(state: OverlayState, end: End): Inode | number {
  const node = state.directories.find(end.directory, end.name);
  if (node < 0) return node;
  const inode = state.directories.getInode(node as NodeId);
  if (inode instanceof DirectoryInode) {
    const status = state.directories.load(inode);
    if (status < 0) return status;
  }
  return inode;
}

function renameEnds(
  state: OverlayState,
  from: End,
  to: End,
  flags: number,
  call: Call,
): MaybePromise<Status> {
  if (to.directory.isRemoved) return -ENOENT;
  const source = inodeAt(state, from);
  if (typeof source === 'number') return source;
  const found = inodeAt(state, to);
  if (typeof found === 'number' && found !== -ENOENT) return found;
  const target = typeof found === 'number' ? undefined : found;
  const isExchange = (flags & RENAME_EXCHANGE) !== 0;
  const refusal = refuse(state, from, to, source, target, flags);
  if (refusal < 0 || source === target) return refusal;

  for (const inode of isExchange && target !== undefined ? [source, target] : [source]) {
    const copied = copyUp(state, inode, METADATA, call);
    // Names may have changed during the copy-up: everything is looked up again.
    if (typeof copied !== 'number') {
      return copied.then((status) => (status < 0 ? status : renameEnds(state, from, to, flags, call)));
    }
    if (copied < 0) return copied;
  }
  for (const { directory } of [from, to]) {
    const copied = copyUpDirectory(state, directory);
    if (copied < 0) return copied;
  }
  const linked = linkName(state, source, { directory: from.directory, name: from.key });
  if (linked < 0) return linked;
  const prepared = prepareMove(state, source, to.directory, to.hasLower);
  if (prepared < 0) return prepared;
  if (!isExchange || target === undefined) {
    return (flags & RENAME_WHITEOUT) !== 0
      ? moveAndShowWhiteout(state, from, to, source, target, call)
      : move(state, from, to, source, target, from.hasLower);
  }
  const otherLinked = linkName(state, target, { directory: to.directory, name: to.key });
  if (otherLinked < 0) return otherLinked;
  const other = prepareMove(state, target, from.directory, from.hasLower);
  return other < 0 ? other : exchange(state, from, to, source, target);
}

function refuse(
  state: OverlayState,
  from: End,
  to: End,
  source: Inode,
  target: Inode | undefined,
  flags: number,
): Status {
  if ((flags & RENAME_EXCHANGE) !== 0 && target === undefined) return -ENOENT;
  if ((flags & RENAME_NOREPLACE) !== 0 && target !== undefined) return -EEXIST;
  if (source === target) return 0;
  const marked =
    target === undefined
      ? refuseMarked(from.directory, source) || refuseNewName(to.directory)
      : refuseMarked(from.directory, source, to.directory, target);
  if (marked < 0 || target === undefined || (flags & RENAME_EXCHANGE) !== 0) return marked;
  if (target instanceof DirectoryInode) {
    if (source.type !== S_IFDIR) return -EISDIR;
    if (!state.directories.isEmpty(target)) {
      return refuseProtected(state, from.directory, source, to.directory, target) || -ENOTEMPTY;
    }
  } else if (source.type === S_IFDIR) return -ENOTDIR;
  return hasUpperFile(target) ? 0 : refuseProtected(state, to.directory);
}

function exchange(state: OverlayState, from: End, to: End, source: Inode, target: Inode): Status {
  const dirs = descriptors(state, from, to);
  if (typeof dirs === 'number') return dirs;
  const status = renameAt(dirs.from, from.name, dirs.to, to.name, RENAME_EXCHANGE);
  if (status < 0) return status;
  detach(state, from, source);
  detach(state, to, target);
  attach(state, to, source);
  attach(state, from, target);
  return 0;
}

/**
 * RENAME_WHITEOUT, which an overlay uses whose upper lies on our mount: the old name shows a character device 0:0. The device is
 * staged first, and replaces the whiteout that the move leaves. After a crash between the two steps the old name is hidden.
 */
function moveAndShowWhiteout(
  state: OverlayState,
  from: End,
  to: End,
  source: Inode,
  target: Inode | undefined,
  call: Call,
): Status {
  const { directory, name, key } = from;
  state.changed.add(directory);
  const marked = markHolder(state.upper, directory);
  if (marked < 0) return marked;
  const above = state.upper.directoryFd(directory);
  if (above < 0) return above;
  const device = makeAndPublish(state, above, WHITEOUT, call, (staging, staged) => {
    const moved = move(state, from, to, source, target, true);
    if (moved < 0) return moved;
    const dir = state.upper.directoryFd(directory);
    if (dir < 0) return dir;
    const stat = state.upper.statStoredAt(staging, staged);
    if (typeof stat === 'number') return stat;
    const placed = renameAt(staging, staged, dir, name, 0);
    if (placed < 0) return placed;
    directory.whiteouts.delete(key);
    register(state, directory, key, S_IFCHR, stat.ino);
    return 0;
  });
  return typeof device === 'number' ? device : 0;
}

/** Renames on disk and in memory. `leavesWhiteout`: the upper gets a whiteout under the old name. */
function move(
  state: OverlayState,
  from: End,
  to: End,
  source: Inode,
  target: Inode | undefined,
  leavesWhiteout: boolean,
): Status {
  const dirs = descriptors(state, from, to);
  if (typeof dirs === 'number') return dirs;
  const replaced = target === undefined ? 0 : prepareReplaced(state, target, dirs.to, to);
  if (replaced < 0) return replaced;
  const isOverWhiteout = to.directory.whiteouts.has(to.key);
  const isSwap = isOverWhiteout && source.type === S_IFDIR;
  const prepared = leavesWhiteout ? prepareWhiteout(state, from.directory, dirs.from) : 0;
  const status = prepared < 0 ? prepared : renameUpper(state, from, to, dirs, isSwap, leavesWhiteout);
  if (status < 0) {
    if (target !== undefined) undoReplaced(target, replaced);
    return status;
  }
  if (isSwap && !leavesWhiteout) unlinkAt(dirs.from, from.name);
  if (target !== undefined) finishReplaced(state, target, replaced, to);
  to.directory.whiteouts.delete(to.key);
  detach(state, from, source);
  if (leavesWhiteout) from.directory.whiteouts.add(from.key);
  attach(state, to, source);
  return 0;
}

/**
 * Renames on disk. A directory can't replace a whiteout, which is a file: the two are exchanged (`isSwap`), and the whiteout, then
 * at the old name, stays or is removed.
 */
function renameUpper(
  { upper }: OverlayState,
  from: End,
  to: End,
  dirs: Descriptors,
  isSwap: boolean,
  leavesWhiteout: boolean,
): Status {
  if (leavesWhiteout && !isSwap)
    return upper.whiteouts.renameAndLeave(dirs.from, from.name, dirs.to, to.name);
  const status = renameAt(dirs.from, from.name, dirs.to, to.name, isSwap ? RENAME_EXCHANGE : 0);
  // The whiteout may have another form than those of this mount, which the old directory is not marked for.
  if (status === 0 && leavesWhiteout) upper.whiteouts.replace(dirs.from, from.name);
  return status;
}

/**
 * Must be called before `target` is replaced. Returns a descriptor of its upper directory, from which it removes whiteouts; 0 if
 * it has none. A file that would lose its last name gets a descriptor (keepNameless).
 */
function prepareReplaced(state: OverlayState, target: Inode, dir: number, to: End): number {
  if (!(target instanceof DirectoryInode)) return target.hasUpper ? keepNameless(target, dir, to.name) : 0;
  if (!target.hasUpperDirectory) return 0;
  const fd = openAt(dir, to.name, O_PATH);
  if (fd < 0) return fd;
  const status = clear(state, target, fd);
  if (status === 0) return fd;
  closeSync(fd);
  return status;
}

/** Removes the whiteouts of an empty directory. It is made opaque first, so it shows the same. */
function clear(state: OverlayState, directory: DirectoryInode, fd: number): Status {
  const names = directory.hidingNames;
  if (names.length === 0) return 0;
  state.changed.add(directory);
  const status = state.upper.marks.setOpaque(fd, NO_NAME);
  if (status < 0) return status;
  directory.isOpaque = true;
  for (const name of names) {
    const removed = unlinkAt(fd, bytesOf(name));
    if (removed < 0 && removed !== -ENOENT) return removed;
    directory.dropHidingName(name);
  }
  return 0;
}

function undoReplaced(target: Inode, targetFd: number): void {
  if (!(target instanceof DirectoryInode)) dropKept(target);
  else if (targetFd > 0) closeSync(targetFd);
}

function finishReplaced(state: OverlayState, target: Inode, targetFd: number, to: End): void {
  if (!(target instanceof DirectoryInode)) {
    takeName(state, to.directory, to.name, target, false);
    return;
  }
  state.upper.forgetDirectory(target);
  if (targetFd > 0) target.upperFd = targetFd;
  forgetDirectory(state, to.directory, to.name, target, false);
}

interface Descriptors {
  readonly from: number;
  readonly to: number;
}

function descriptors(state: OverlayState, from: End, to: End): Descriptors | number {
  const toFd = state.upper.directoryFd(to.directory);
  if (toFd < 0) return toFd;
  const fromFd = state.upper.directoryFd(from.directory);
  return fromFd < 0 ? fromFd : { from: fromFd, to: toFd };
}

/** Removes a name of an inode that gets another one. */
function detach(state: OverlayState, end: End, inode: Inode): void {
  const { directory, key } = end;
  if (!directory.remove(key)) {
    const dentry = state.directories.lowerDentry(directory, end.name);
    if (dentry >= 0) state.directories.hide(directory, dentry);
  }
  if (!(inode instanceof DirectoryInode)) state.inodes.removeName(inode, directory, key);
}

function attach(state: OverlayState, end: End, inode: Inode): void {
  const { directory, key } = end;
  directory.add(key, inode.type === S_IFDIR, inode);
  if (inode instanceof DirectoryInode) {
    state.upperRows.removeAll();
    inode.parent = directory;
    inode.name = key;
  } else {
    state.inodes.addName(inode, { directory, name: key }, inode.upperIno);
  }
}
