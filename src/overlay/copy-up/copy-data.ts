// CopyUp of bytes: the copy of a regular file's data into the upper, in pieces, on pool threads.
//
// One copy at a time an inode; who comes meanwhile waits for it. It is given up when every waiter was interrupted. Until
// it is complete and synced the bytes come from the tree: `kill -9` leaves the old file or the new.
import { closeSync, constants } from 'node:fs';
import {
  NO_NAME,
  copyRangeLater,
  openAt,
  reopen,
  syncLater,
  truncateFile,
  utimensAt,
  writeLater,
} from '../../sys/upper-calls.ts';
import { type FileStat, statAt } from '../../sys/stat-at.ts';
import { isIntact } from '../../sys/file-state.ts';
import { Extent } from '../../tree/tree.ts';
import { S_IFREG } from '../../vfs/attr.ts';
import { type BorrowedRange, FileRange } from '../../vfs/blob-reader.ts';
import { EACCES, EINTR, EIO, ENODATA, ESTALE } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { copyMetadata } from './copy-metadata.ts';
import { copyUpMetadata, finishCopy, type Staged, stage } from './copy-up.ts';
import { copyUpDirectory } from './copy-up-directory.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

/** Bytes between two looks at whether anybody still waits. */
const PIECE = 16 * 1024 * 1024;
const MEMORY_PIECE = 1024 * 1024;

/** How much of a file its upper has to have. `limit`: only the first so many bytes are wanted. */
export type Need = { readonly kind: 'metadata' } | { readonly kind: 'data'; readonly limit: number };

export const METADATA: Need = { kind: 'metadata' };
export const ALL_DATA: Need = { kind: 'data', limit: Number.MAX_SAFE_INTEGER };

/** Brings an inode, loaded where it is a directory, to the upper as far as is needed; at once where nothing is to wait for. */
export function copyUp(state: CopyUpParts, inode: Inode, need: Need, call: Call): MaybePromise<Status> {
  if (inode instanceof DirectoryInode) return copyUpDirectory(state, inode);
  if (inode.copying !== undefined) {
    inode.copying.waiters.push(call);
    return inode.copying.done.then((status) =>
      status === 0 && !call.isInterrupted ? copyUp(state, inode, need, call) : status || -EINTR,
    );
  }
  if (inode.hasUpper && (inode.dataInode === UPPER_DATA || need.kind === 'metadata')) return 0;
  if (!inode.hasUpper && !needsData(state, inode, need)) {
    const isMetacopy =
      inode.type === S_IFREG && need.kind === 'metadata' && state.tree.sizeOf(inode.lower) > 0;
    return copyUpMetadata(state, inode, isMetacopy);
  }
  if (inode.dataInode < 0) return -EIO;
  const limit = need.kind === 'data' ? need.limit : Number.MAX_SAFE_INTEGER;
  return startCopy(state, inode, limit, call);
}

/** False where an upper file without bytes, or with none of its own, is enough. */
function needsData(state: CopyUpParts, inode: Inode, need: Need): boolean {
  if (inode.type !== S_IFREG || state.tree.sizeOf(inode.lower) === 0) return false;
  return need.kind === 'metadata' ? !state.upper.usesMetacopy : need.limit > 0;
}

function startCopy(state: CopyUpParts, inode: Inode, limit: number, call: Call): Promise<Status> {
  const waiters = [call];
  const isWanted = (): boolean => waiters.some((waiter) => !waiter.isInterrupted);
  const copy = inode.hasUpper ? completeMetacopy : copyWhole;
  const done = copy(state, inode, limit, isWanted).finally(() => (inode.copying = undefined));
  inode.copying = { done, waiters };
  return done;
}

/** A new upper file with all that the inode has. */
async function copyWhole(
  state: CopyUpParts,
  inode: Inode,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const staged = stage(state, inode);
  if (typeof staged === 'number') return staged;
  let status = await copyBytes(state, inode.dataInode, staged.fd, limit, isWanted);
  if (status === 0) status = copyMetadata(state, inode.lower, staged.dir, staged.name);
  if (status === 0) status = await sync(state, staged);
  if (status === 0 && !isWanted()) status = -EINTR;
  return finishCopy(state, inode, staged, status, UPPER_DATA);
}

function sync(state: CopyUpParts, staged: Staged): MaybePromise<Status> {
  return state.upper.isVolatile ? 0 : syncLater(staged.fd, false);
}

/** The bytes of an inode whose metadata the upper has: they count from when overlay.metacopy is taken off. */
async function completeMetacopy(
  state: CopyUpParts,
  inode: Inode,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const fd = openUpper(state, inode, constants.O_RDWR);
  if (fd < 0) return fd;
  let isKept = false;
  try {
    const before = state.upper.statStoredAt(fd, NO_NAME);
    if (typeof before === 'number') return before;
    const times = timesOf(before);
    let status = await copyBytes(state, inode.dataInode, fd, limit, isWanted);
    // Copying has changed them.
    if (status === 0) status = utimensAt(fd, NO_NAME, ...times);
    if (status === 0 && !state.upper.isVolatile) status = await syncLater(fd, false);
    if (status !== 0) {
      dropBytes(state, inode, fd, times);
      return status;
    }
    const { marks } = state.upper;
    status = marks.remove(fd, NO_NAME, 'metacopy');
    if (status < 0 && status !== -ENODATA) return status;
    // Without overlay.metacopy it means nothing.
    marks.remove(fd, NO_NAME, 'redirect');
    inode.dataInode = UPPER_DATA;
    if (state.inodes.isOpen(inode.nodeId)) {
      inode.readFd = fd;
      inode.writeFd = fd;
      isKept = true;
    }
    return 0;
  } finally {
    state.changed.add(inode);
    if (!isKept) closeSync(fd);
  }
}

/** What was copied in vain takes no room, and changes no times. What fails here is of no use to anybody. */
function dropBytes(state: CopyUpParts, inode: Inode, fd: number, times: Times): void {
  truncateFile(fd, 0);
  truncateFile(fd, state.tree.sizeOf(inode.dataInode));
  utimensAt(fd, NO_NAME, ...times);
}

export type Times = readonly [atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number];

/** For utimensAt. */
function timesOf({ atimeSec, atimeNsec, mtimeSec, mtimeNsec }: FileStat): Times {
  return [atimeSec, atimeNsec, mtimeSec, mtimeNsec];
}

/** The upper file of an inode, opened; a negative errno. */
export function openUpper(state: CopyUpParts, inode: Inode, flags: number): number {
  if (inode instanceof DirectoryInode) {
    const fd = state.upper.directoryFd(inode);
    return fd < 0 ? fd : reopen(fd, flags);
  }
  const place = state.upper.placeOf(inode);
  if (typeof place === 'number') return place;
  const { dir, name } = place;
  const open = (): number => {
    const fd = state.upper.withAtimeFlags(flags, (all) =>
      name.length === 0 ? reopen(dir, all) : openAt(dir, name, all),
    );
    return fd < 0 || inode.dataInode === UPPER_DATA ? fd : requireOwnFile(inode, fd);
  };
  const fd = open();
  if (fd !== -EACCES) return fd;
  // The mode is changed for a moment, which moves ctime.
  state.changed.add(inode);
  return state.upper.asOwner(dir, name, open);
}

/** `fd`, unless it is another file that somebody put under the name: it would get the image's bytes. Then -ESTALE. */
function requireOwnFile({ upperIno }: Inode, fd: number): number {
  const stat = statAt(fd, NO_NAME);
  if (typeof stat !== 'number' && stat.ino === upperIno) return fd;
  closeSync(fd);
  return typeof stat === 'number' ? stat : -ESTALE;
}

/** The first `limit` bytes of the tree's file `lower`, holes left as holes; the rest of its size is a hole. */
async function copyBytes(
  state: CopyUpParts,
  lower: number,
  fd: number,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const size = state.tree.sizeOf(lower);
  const end = Math.min(size, limit);
  const extent = new Extent();
  for (let offset = 0; offset < end; offset += extent.length) {
    if (!isWanted()) return -EINTR;
    state.tree.mapExtent(lower, offset, Math.min(PIECE, end - offset), extent);
    if (extent.blobOffset < 0) continue;
    const status = await copyPiece(state, lower, fd, offset, extent);
    if (status !== 0) return status;
  }
  return truncateFile(fd, size);
}

async function copyPiece(
  state: CopyUpParts,
  lower: number,
  fd: number,
  offset: number,
  extent: Extent,
): Promise<Status> {
  const borrowed = state.content.borrow(extent);
  const count =
    borrowed === undefined
      ? await copyThroughMemory(state, lower, fd, offset, extent)
      : await copyRange(borrowed, fd, offset);
  if (count < 0) return count;
  return count === extent.length ? 0 : -EIO;
}

async function copyRange(borrowed: BorrowedRange, fd: number, offset: number): Promise<number> {
  const { range } = borrowed;
  try {
    const count = await copyRangeLater(range.fd, range.position, fd, offset, range.length);
    return isIntact(range) ? count : -EIO;
  } finally {
    borrowed.release();
  }
}

/** What is compressed comes in smaller pieces: `extent` is made as long as the one that was copied. */
async function copyThroughMemory(
  state: CopyUpParts,
  lower: number,
  fd: number,
  offset: number,
  extent: Extent,
): Promise<number> {
  extent.length = Math.min(extent.length, MEMORY_PIECE);
  const piece = await state.content.read(lower, offset, extent.length);
  if (typeof piece === 'number') return piece;
  return piece instanceof FileRange ? -EIO : writeLater(fd, piece, offset);
}
