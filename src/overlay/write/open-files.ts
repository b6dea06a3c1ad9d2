// Open files: each inode has at most one descriptor for reading and one for reading and writing. The last release closes both.
//
// A file that only the tree has needs no descriptor. If it is copied up while it is open, the copy-up leaves one.
import { isRootCall } from './caller.ts';
import { constants } from 'node:fs';
import { closeSync } from 'node:fs';
import {
  NO_NAME,
  allocateFile,
  copyRangeLater,
  getxattrAt,
  seekFile,
  writeFile,
} from '../../sys/upper-calls.ts';
import { isIntact } from '../../sys/file-state.ts';
import { S_IFDIR, S_IFREG, SET_ID_BITS } from '../../vfs/attr.ts';
import { FileRange, type ReadResult } from '../../vfs/blob-reader.ts';
import { EBADF, EINVAL, EIO, EISDIR, EOPNOTSUPP, EPERM } from '../../vfs/errno.ts';
import type { MaybePromise, NodeId, Status } from '../../vfs/filesystem.ts';
import type { Call, OpenFile } from '../../vfs/operation.ts';
import { ALL_DATA, type Need, copyUp } from '../copy-up/copy-up.ts';
import { openUpperFile } from '../copy-up/open-upper-file.ts';
import { type Inode, LOST_DATA, UPPER_DATA } from '../read/inode.ts';
import type { OverlayState } from './overlay-state.ts';
import { refuseAllocating, refuseWriting } from './protection.ts';
import { dropPrivileges, truncate } from './set-attributes.ts';

const { O_ACCMODE, O_RDONLY, O_RDWR, O_TRUNC } = { ...constants, O_ACCMODE: 3 };
const CAPABILITY = Buffer.from('security.capability');
const OPEN_WHOLE: Need = { ...ALL_DATA, opens: true };
const OPEN_EMPTY: Need = { ...OPEN_WHOLE, limit: 0 };

/** Opens a regular file that has an Inode object. */
export function openFile(
  state: OverlayState,
  inode: Inode,
  flags: number,
  killsPrivileges: boolean,
  call: Call,
  out: OpenFile,
): MaybePromise<Status> {
  if (inode.type !== S_IFREG) return inode.type === S_IFDIR ? -EISDIR : -EINVAL;
  const isTruncated = (flags & O_TRUNC) !== 0;
  const writes = (flags & O_ACCMODE) !== O_RDONLY || isTruncated;
  if (!writes) return finishOpen(state, inode, false, flags, out);
  const refused = refuseWriting(inode, flags);
  if (refused < 0) return refused;
  const copied = copyUp(state, inode, isTruncated ? OPEN_EMPTY : OPEN_WHOLE, call);
  const finish = (status: Status): Status => {
    let result = status;
    if (result === 0 && isTruncated) {
      result = truncate(state, inode, 0, killsPrivileges ? call : undefined);
    }
    if (result === 0) result = finishOpen(state, inode, true, flags, out);
    // The copy-up may have left a descriptor.
    if (result < 0) state.inodes.closeUnopened(inode);
    return result;
  };
  return typeof copied === 'number' ? finish(copied) : copied.then(finish);
}

function finishOpen(
  state: OverlayState,
  inode: Inode,
  writes: boolean,
  flags: number,
  out: OpenFile,
): Status {
  out.backingFd = -1;
  if (inode.dataInode === LOST_DATA) return -EIO;
  if (inode.dataInode === UPPER_DATA) {
    const appends = (flags & constants.O_APPEND) !== 0;
    if (writes && inode.isAppendOnly && !appends) return -EPERM;
    const status = provideDescriptor(state, inode, writes, appends);
    if (status < 0) return status;
    const fd = writes ? inode.writeFd : inode.readFd;
    // The first write asks for capabilities.
    if (writes) state.upperRows.addFile(inode, inode.readFd);
    if (!writes || !keepsPrivileges(state, fd)) out.backingFd = fd;
  }
  out.wasOpen = state.inodes.isOpen(inode.nodeId);
  state.inodes.countOpen(inode.nodeId);
  return 0;
}

/** Opens a descriptor for an inode whose bytes are in the upper, if it doesn't have one. */
function provideDescriptor(state: OverlayState, inode: Inode, writes: boolean, appends = false): Status {
  if (writes ? inode.writeFd >= 0 : inode.readFd >= 0) return 0;
  let fd = openUpperFile(state, inode, writes ? O_RDWR : O_RDONLY);
  // EPERM: the file is immutable, or append-only.
  if (fd === -EPERM && writes && appends) {
    fd = openUpperFile(state, inode, O_RDWR | constants.O_APPEND);
    inode.isAppendOnly = fd >= 0;
  }
  if (fd < 0) return fd;
  if (writes) inode.writeFd = fd;
  if (inode.readFd < 0) inode.readFd = fd;
  return 0;
}

/** True if a write must clear capabilities or set-ID bits. In passthrough mode the kernel would not clear them. */
function keepsPrivileges(state: OverlayState, fd: number): boolean {
  const stat = state.upper.statAt(fd, NO_NAME);
  if (typeof stat === 'number' || (stat.mode & SET_ID_BITS) !== 0) return true;
  return typeof getxattrAt(fd, NO_NAME, CAPABILITY) !== 'number';
}

/** Opens a new file. The inode takes over the descriptor `fd`. */
export function adoptOpen(state: OverlayState, inode: Inode, fd: number, mode: number, out: OpenFile): void {
  inode.writeFd = fd;
  inode.readFd = fd;
  out.backingFd = (mode & SET_ID_BITS) === 0 ? fd : -1;
  out.wasOpen = false;
  state.inodes.countOpen(inode.nodeId);
  state.upperRows.addFile(inode, fd);
}

export function readFile(
  state: OverlayState,
  inode: Inode,
  offset: number,
  length: number,
): ReadResult | Promise<ReadResult> {
  if (inode.type !== S_IFREG) return inode.type === S_IFDIR ? -EISDIR : -EINVAL;
  if (inode.dataInode === LOST_DATA) return -EIO;
  if (inode.dataInode !== UPPER_DATA) return state.content.read(inode.dataInode, offset, length);
  const status = provideDescriptor(state, inode, false);
  return status < 0 ? status : new FileRange(inode.readFd, offset, length, true);
}

export function writeBytes(
  state: OverlayState,
  inode: Inode,
  offset: number,
  bytes: Uint8Array,
  killer: Call | undefined,
): number {
  if (inode.dataInode !== UPPER_DATA || inode.writeFd < 0) return -EBADF;
  const count = writeFile(inode.writeFd, bytes, offset);
  if (count > 0 && killer !== undefined) dropPrivileges(state, inode.writeFd, killer);
  return count;
}

export function allocate(
  state: OverlayState,
  inode: Inode,
  mode: number,
  offset: number,
  length: number,
  call: Call,
): MaybePromise<Status> {
  const refused = refuseAllocating(inode, mode);
  if (refused < 0) return refused;
  const copied = copyUp(state, inode, ALL_DATA, call);
  const finish = (status: Status): Status => {
    if (status < 0) return status;
    if (inode.writeFd < 0) return -EBADF;
    const allocated = allocateFile(inode.writeFd, mode, offset, length);
    if (allocated < 0) state.changed.add(inode);
    if (allocated === 0 && !isRootCall(call)) dropPrivileges(state, inode.writeFd, call);
    return allocated;
  };
  return typeof copied === 'number' ? finish(copied) : copied.then(finish);
}

/** -EOPNOTSUPP for bytes that are not in a file as they are: the kernel then reads and writes them, in pieces. */
export function copyRange(
  state: OverlayState,
  from: Inode | undefined,
  fromNode: NodeId,
  fromOffset: number,
  to: Inode,
  toOffset: number,
  length: number,
): MaybePromise<number> {
  if (to.dataInode !== UPPER_DATA || to.writeFd < 0) return -EBADF;
  if (from !== undefined && from.dataInode === UPPER_DATA) {
    const status = provideDescriptor(state, from, false);
    return status < 0 ? status : copyRangeLater(from.readFd, fromOffset, to.writeFd, toOffset, length);
  }
  const lower = from === undefined ? fromNode - 1 : from.dataInode;
  if (lower < 0) return -EIO;
  const borrowed = state.content.borrowAt(lower, fromOffset, length);
  if (borrowed === undefined) return -EOPNOTSUPP;
  const { range } = borrowed;
  if (!isIntact(range)) {
    borrowed.release();
    return -EIO;
  }
  return copyRangeLater(range.fd, range.position, to.writeFd, toOffset, range.length)
    .then((count) => (isIntact(range) ? count : -EIO))
    .finally(() => borrowed.release());
}

export function seek(state: OverlayState, inode: Inode, offset: number, whence: number): number {
  if (inode.type !== S_IFREG) return -EINVAL;
  if (inode.dataInode === LOST_DATA) return -EIO;
  if (inode.dataInode !== UPPER_DATA) return state.content.seek(inode.dataInode, offset, whence);
  const status = provideDescriptor(state, inode, false);
  return status < 0 ? status : seekFile(inode.readFd, offset, whence);
}

/** Calls `use` with a descriptor of an inode's upper file: the one that is open, or one that is closed afterwards. */
export function withUpperFile<T extends MaybePromise<number>>(
  state: OverlayState,
  inode: Inode,
  use: (fd: number) => T,
): T | number {
  if (inode.readFd >= 0) return use(inode.readFd);
  const fd = openUpperFile(state, inode, O_RDONLY);
  if (fd < 0) return fd;
  const result = use(fd);
  if (result instanceof Promise) void result.finally(() => closeSync(fd));
  else closeSync(fd);
  return result;
}
