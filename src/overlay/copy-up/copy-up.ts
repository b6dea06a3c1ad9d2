// CopyUp: brings a lower inode to the upper before its first change. Atomic: what is copied is made in the work
// directory, or without a name, and appears when it is complete.
//
// Directories (copy-up-directory.ts), and all that is no regular file, are copied in place. So is a regular file's metadata alone (metacopy):
// its bytes go on coming from the tree until the first write, when copy-data.ts brings them into the same upper inode.
// An inode with several names gets its copy under all of them (shared-copies.ts).
import { closeSync } from 'node:fs';
import {
  NO_NAME,
  O_PATH,
  createAt,
  openAt,
  renameAt,
  reopen,
  symlinkAt,
  truncateFile,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { Attr, S_IFLNK, S_IFREG } from '../../vfs/attr.ts';
import { EOPNOTSUPP } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { linkTarget, prepareTarget } from './copied-names.ts';
import { copyMetadata } from './copy-metadata.ts';
import { keepingTimes } from './copy-up-directory.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { linkNames, placeShared } from './shared-copies.ts';
import { isWhiteoutDevice, makeShownWhiteout } from '../upper/shown-whiteout.ts';
import { type VisibleName, visibleNames } from '../read/visible-names.ts';

const NO_VALUE = new Uint8Array(0);

/**
 * Gives an inode of the tree, which has no upper file yet, one without data: a symlink, device, fifo, socket, or a
 * regular file that is empty, shall become so, or (metacopy) goes on reading its bytes from the tree.
 */
export function copyUpMetadata(state: CopyUpParts, inode: Inode, isMetacopy: boolean): Status {
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
export function stage(state: CopyUpParts, inode: Inode): Staged | number {
  const { upper, tree } = state;
  const { workFd } = upper;
  if (inode.type === S_IFREG) {
    const fd = upper.openTmpfile();
    if (fd >= 0) return { dir: fd, name: NO_NAME, fd };
    if (fd !== -EOPNOTSUPP) return fd;
  }
  const name = upper.workNames.next();
  if (inode.type === S_IFREG) {
    const fd = createAt(workFd, name, upper.newFileFlags, 0o600, 0);
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
      : upper.owners.makeNode(workFd, name, inode.type | 0o600, attr.rdev, 0);
  }
  return status < 0 ? status : { dir: workFd, name, fd: -1 };
}

/**
 * Puts a staged file, complete unless `status` says otherwise, where its inode shows, and makes it the inode's. Where it
 * shows nowhere any more it stays without a name. On failure nothing is left of it.
 */
export function finishCopy(
  state: CopyUpParts,
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

function placeCopy(state: CopyUpParts, inode: Inode, staged: Staged, dataInode: number): Status {
  const { upper } = state;
  state.changed.add(inode);
  if (state.tree.linkCountOf(inode.lower) > 1) {
    const placed = placeShared(state, inode, staged);
    if (placed < 0) return placed;
    inode.dataInode = dataInode;
    linkNames(state, inode);
    return 0;
  }
  const targets = visibleNames(state, inode.lower);
  if (typeof targets === 'number') return targets;
  const stat = upper.statStoredAt(staged.dir, staged.name);
  if (typeof stat === 'number') return stat;
  const upperIno = stat.ino;
  const [only] = targets;
  const status = only === undefined ? 0 : linkOnly(state, inode.lower, staged, only);
  if (status < 0) return status;
  inode.dataInode = dataInode;
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

/** The name takes the staged one's place. */
function linkOnly(state: CopyUpParts, lower: number, staged: Staged, only: VisibleName): Status {
  if (staged.name.length === 0) return linkTarget(state, lower, staged, only);
  const prepared = prepareTarget(state, lower, only.directory);
  if (prepared < 0) return prepared;
  return keepingTimes(state, only.directory, (dir) =>
    renameAt(staged.dir, staged.name, dir, bytesOf(only.name), 0),
  );
}

function markMetacopy(state: CopyUpParts, inode: Inode, staged: Staged): Status {
  const { marks } = state.upper;
  let status = marks.set(staged.dir, staged.name, 'metacopy', NO_VALUE);
  if (status === 0 && state.names.dentriesOf(inode.lower).length > 1) {
    status = marks.set(staged.dir, staged.name, 'redirect', bytesOf(state.names.pathOf(inode.lower)));
  }
  return status < 0 ? status : truncateFile(staged.fd, state.tree.sizeOf(inode.lower));
}
