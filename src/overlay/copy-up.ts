// CopyUp: brings a lower inode to the upper before its first change. Atomic: what is copied is made in the work
// directory, or without a name, and appears when it is complete.
//
// Directories, and all that is no regular file, are copied in place. So is a regular file's metadata alone (metacopy):
// its bytes go on coming from the tree until the first write, when copy-data.ts brings them into the same upper inode.
// An inode with several names gets its copy under all of them at once, so that no index is needed to keep them together.
import { closeSync, constants } from 'node:fs';
import {
  Stat,
  createAt,
  linkAt,
  mkdirAt,
  openAt,
  renameAt,
  reopen,
  rmdirAt,
  setxattrAt,
  symlinkAt,
  truncateFile,
  unlinkAt,
  utimensAt,
} from '../sys/upper-calls.ts';
import { Attr, S_IFLNK, S_IFREG } from '../vfs/attr.ts';
import { EINVAL, ENOENT, EOPNOTSUPP, EOVERFLOW, EPERM } from '../vfs/errno.ts';
import type { Status } from '../vfs/filesystem.ts';
import { settleAufsNames } from './aufs-form.ts';
import { DirectoryInode } from './directory-inode.ts';
import { type Inode, UPPER_DATA } from './inode.ts';
import { encodeOrigin } from './origin.ts';
import type { OverlayState } from './overlay-state.ts';
import { isWhiteoutDevice, makeShownWhiteout, markHolder } from './shown-whiteout.ts';
import { NO_NAME, O_PATH, type Place } from './upper.ts';
import { bytesOf, latin1Of } from '../vfs/names.ts';
import { isOverrideAttribute } from '../vfs/override-stat.ts';

const CAPABILITY = 'security.capability';
const NO_VALUE = new Uint8Array(0);

/** Where a copy is to appear. */
export interface Target {
  readonly directory: DirectoryInode;
  readonly name: string;
}

/**
 * Makes sure that a loaded directory and all above it have upper directories, itself in the kernel's form. Their times
 * stay as they were.
 */
export function copyUpDirectory(state: OverlayState, directory: DirectoryInode): Status {
  if (directory.hasUpperDirectory) return settle(state, directory);
  const { parent, name, lower } = directory;
  if (parent === undefined) return -EPERM;
  const above = copyUpDirectory(state, parent);
  if (above < 0) return above;
  const { upper } = state;
  const staged = upper.newStagedName();
  const made = mkdirAt(upper.workFd, staged, 0o700, 0);
  if (made < 0) return made;
  let status = copyMetadata(state, lower, upper.workFd, staged);
  if (status === 0) status = upper.markImpure(parent);
  if (status === 0) status = upper.statAt(upper.workFd, staged);
  const upperIno = upper.stat[Stat.ino] as number;
  if (status === 0) status = placeDirectory(state, parent, staged, bytesOf(name));
  if (status < 0) {
    rmdirAt(upper.workFd, staged);
    return status;
  }
  directory.hasUpperDirectory = true;
  directory.upperIno = upperIno;
  state.changed.add(directory);
  return 0;
}

function settle(state: OverlayState, directory: DirectoryInode): Status {
  if (directory.aufsNames.size === 0 && !directory.hasAufsOpaque) return 0;
  return keepingTimes(state, directory, (dir) => settleAufsNames(state, directory, dir));
}

/** Moves a staged directory, which its owner may have no right to write to, where it is to appear. */
function placeDirectory(
  state: OverlayState,
  parent: DirectoryInode,
  staged: Uint8Array,
  name: Uint8Array,
): Status {
  const { upper } = state;
  const fd = openAt(upper.workFd, staged, O_PATH);
  if (fd < 0) return fd;
  const status = upper.asOwner(fd, NO_NAME, () =>
    keepingTimes(state, parent, (dir) => renameAt(upper.workFd, staged, dir, name, 0)),
  );
  closeSync(fd);
  return status;
}

/** Runs `change` on the upper directory; atime and mtime of the directory are afterwards what they were. */
export function keepingTimes(
  state: OverlayState,
  directory: DirectoryInode,
  change: (dir: number) => Status,
): Status {
  const dir = state.upper.directoryFd(directory);
  if (dir < 0) return dir;
  const before = state.upper.statAt(dir, NO_NAME);
  if (before < 0) return before;
  const { stat } = state.upper;
  const times = [Stat.atimeSec, Stat.atimeNsec, Stat.mtimeSec, Stat.mtimeNsec].map(
    (field) => stat[field] as number,
  ) as [number, number, number, number];
  state.changed.add(directory);
  const status = state.upper.asOwner(dir, NO_NAME, () => change(dir));
  if (status === 0) utimensAt(dir, NO_NAME, ...times);
  return status;
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

/**
 * Gives an inode of the tree, which has no upper file yet, one without data: a symlink, device, fifo, socket, or a
 * regular file that is empty, shall become so, or (metacopy) goes on reading its bytes from the tree.
 */
export function copyUpMetadata(state: OverlayState, inode: Inode, isMetacopy: boolean): Status {
  const staged = stage(state, inode);
  if (typeof staged === 'number') return staged;
  let status = isMetacopy ? markMetacopy(state, inode, staged) : 0;
  if (status === 0) status = copyMetadata(state, inode.lower, staged.dir, staged.name);
  return finishCopy(state, inode, staged, status, isMetacopy ? inode.lower : UPPER_DATA);
}

/** An upper file that is not to be seen yet. */
export interface Staged {
  /** Its place: with an empty name, the descriptor of what has no name. */
  readonly dir: number;
  readonly name: Uint8Array;
  /** Open for both, of a regular file; else -1. */
  readonly fd: number;
}

/** Makes the upper file of an inode, empty and not to be seen. */
export function stage(state: OverlayState, inode: Inode): Staged | number {
  const { upper, tree } = state;
  const { workFd } = upper;
  if (inode.type === S_IFREG) {
    const fd = upper.openTmpfile();
    if (fd >= 0) return { dir: fd, name: NO_NAME, fd };
    if (fd !== -EOPNOTSUPP) return fd;
  }
  const name = upper.newStagedName();
  if (inode.type === S_IFREG) {
    const fd = createAt(workFd, name, constants.O_RDWR, 0o600, 0);
    return fd < 0 ? fd : { dir: workFd, name, fd };
  }
  let status: Status;
  if (inode.type === S_IFLNK) {
    status = symlinkAt(tree.readlink(inode.lower), workFd, name);
  } else {
    const attr = new Attr();
    tree.readAttr(inode.lower, attr);
    status = isWhiteoutDevice(attr.mode, attr.rdev)
      ? makeShownWhiteout(upper.marks, workFd, name, 0o600, 0)
      : upper.makeNode(workFd, name, inode.type | 0o600, attr.rdev, 0);
  }
  return status < 0 ? status : { dir: workFd, name, fd: -1 };
}

/**
 * Puts a staged file, complete unless `status` says otherwise, where its inode shows, and makes it the inode's. Where it
 * shows nowhere any more it stays without a name. On failure nothing is left of it.
 */
export function finishCopy(
  state: OverlayState,
  inode: Inode,
  staged: Staged,
  status: Status,
  dataInode: number,
): Status {
  const result = status === 0 ? placeCopy(state, inode, staged, dataInode) : status;
  const isKept = result === 0 && state.inodes.isOpen(inode.nodeId) && dataInode === UPPER_DATA;
  if (staged.fd >= 0) {
    if (isKept) {
      inode.writeFd = staged.fd;
      inode.readFd = staged.fd;
    } else {
      closeSync(staged.fd);
    }
  }
  if (result < 0 && staged.name.length > 0) unlinkAt(state.upper.workFd, staged.name);
  return result;
}

function placeCopy(state: OverlayState, inode: Inode, staged: Staged, dataInode: number): Status {
  const { upper } = state;
  const targets = visibleNames(state, inode.lower);
  if (typeof targets === 'number') return targets;
  const known = upper.statAt(staged.dir, staged.name);
  if (known < 0) return known;
  const upperIno = upper.stat[Stat.ino] as number;
  const status = linkTargets(state, inode.lower, staged, targets);
  if (status < 0) return status;
  inode.dataInode = dataInode;
  state.changed.add(inode);
  for (const target of targets) state.inodes.addName(inode, target, upperIno);
  if (targets.length === 0) {
    const fd = staged.fd >= 0 ? reopen(staged.fd, O_PATH) : openAt(staged.dir, staged.name, O_PATH);
    if (fd < 0) return fd;
    if (staged.name.length > 0) unlinkAt(upper.workFd, staged.name);
    inode.upperFd = fd;
    inode.upperIno = upperIno;
  }
  return 0;
}

/** A single name takes the staged one's place; several are linked, and a staged name tells the next mount till all are. */
function linkTargets(state: OverlayState, lower: number, staged: Staged, targets: readonly Target[]): Status {
  const { upper } = state;
  const [only] = targets;
  if (only === undefined) return 0;
  if (targets.length === 1) {
    if (staged.name.length === 0) return linkTarget(state, lower, staged, only);
    const prepared = prepareTarget(state, lower, only.directory);
    if (prepared < 0) return prepared;
    return keepingTimes(state, only.directory, (dir) =>
      renameAt(staged.dir, staged.name, dir, bytesOf(only.name), 0),
    );
  }
  let journal = staged.name;
  if (journal.length === 0) {
    journal = upper.newStagedName();
    const status = linkAt(staged.dir, NO_NAME, upper.workFd, journal);
    if (status < 0) return status;
  }
  for (const [i, target] of targets.entries()) {
    const status = linkTarget(state, lower, { dir: upper.workFd, name: journal }, target);
    if (status < 0) {
      for (const done of targets.slice(0, i)) unlinkTarget(state, done);
      if (staged.name.length === 0) unlinkAt(upper.workFd, journal);
      return status;
    }
  }
  return unlinkAt(upper.workFd, journal);
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
function prepareTarget(state: OverlayState, lower: number, directory: DirectoryInode): Status {
  let status = copyUpDirectory(state, directory);
  if (status === 0) status = state.upper.markImpure(directory);
  if (status < 0) return status;
  const attr = new Attr();
  state.tree.readAttr(lower, attr);
  return isWhiteoutDevice(attr.mode, attr.rdev) ? markHolder(state.upper, directory) : 0;
}

function unlinkTarget(state: OverlayState, { directory, name }: Target): void {
  keepingTimes(state, directory, (dir) => unlinkAt(dir, bytesOf(name)));
}

/** Owner, mode, xattrs, origin and times of the tree's inode, in an order in which none undoes another. */
export function copyMetadata(state: OverlayState, lower: number, dir: number, name: Uint8Array): Status {
  const attr = new Attr();
  state.tree.readAttr(lower, attr);
  const type = state.tree.modeOf(lower) & 0o170000;
  let status = copyOwner(state, dir, name, attr);
  // chown(2) takes set-ID bits and capabilities off: it comes first. user.* attributes need a file that may be written to.
  if (status === 0) status = copyXattrs(state, lower, dir, name);
  if (status === 0) status = writeOrigin(state, lower, dir, name, type);
  if (status === 0 && type !== S_IFLNK) status = state.upper.changeMode(dir, name, attr.mode & 0o7777);
  if (status === 0) {
    status = utimensAt(dir, name, attr.atimeSec, attr.atimeNsec, attr.mtimeSec, attr.mtimeNsec);
  }
  return status;
}

/** EOVERFLOW where the daemon's user namespace has no such owner (chown(2): EINVAL), as ovl_copy_up_one says it. */
function copyOwner({ upper }: OverlayState, dir: number, name: Uint8Array, attr: Attr): Status {
  const status = upper.changeOwner(dir, name, attr.uid, attr.gid);
  return status === -EINVAL ? -EOVERFLOW : status;
}

function copyXattrs(state: OverlayState, lower: number, dir: number, name: Uint8Array): Status {
  const { tree, upper } = state;
  const list = latin1Of(tree.listxattr(lower));
  for (const attribute of list.split('\0')) {
    if (attribute === '' || (upper.hidesOverrides && isOverrideAttribute(attribute))) continue;
    const value = tree.getxattr(lower, bytesOf(attribute)) ?? NO_VALUE;
    const status = setxattrAt(dir, name, bytesOf(upper.marks.toUpper(attribute)), value, 0);
    if (status < 0 && !mayBeLost(attribute, status)) return status;
  }
  return 0;
}

/** What only root may set, or the upper's file system has not, can't be kept, as kernel overlayfs has it. */
function mayBeLost(attribute: string, status: Status): boolean {
  if (status !== -EPERM && status !== -EOPNOTSUPP) return false;
  return attribute === CAPABILITY || !attribute.startsWith('user.');
}

function writeOrigin(
  state: OverlayState,
  lower: number,
  dir: number,
  name: Uint8Array,
  type: number,
): Status {
  const { marks, identity } = state.upper;
  return marks.canMark(type) ? marks.set(dir, name, 'origin', encodeOrigin(identity, lower)) : 0;
}

function markMetacopy(state: OverlayState, inode: Inode, staged: Staged): Status {
  const { marks } = state.upper;
  let status = marks.set(staged.dir, staged.name, 'metacopy', NO_VALUE);
  if (status === 0 && state.names.dentriesOf(inode.lower).length > 1) {
    status = marks.set(staged.dir, staged.name, 'redirect', bytesOf(state.names.pathOf(inode.lower)));
  }
  return status < 0 ? status : truncateFile(staged.fd, state.tree.sizeOf(inode.lower));
}
