// CopyUp: brings a lower inode to the upper before its first change, in four steps, which this file shows in order:
//
//   plan    what the upper lacks
//   stage   a new upper file that nobody sees (stage-file.ts)
//   fill    bytes (copy-bytes.ts), then metadata (copy-metadata.ts), then fsync: one call for a small file
//   finish  the file gets its name by one system call, and becomes the upper file of the inode
//
// So `kill -9` at any time leaves the old file or the new one. A copy of bytes runs on pool threads; any other copy is complete
// when the call returns. A change of metadata alone copies no bytes (metacopy.ts): the first write copies them into the same
// upper file. Directories have a trip of their own (upper-directories.ts).
import { closeSync } from 'node:fs';
import { O_PATH, openAt, reopen, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFREG } from '../../vfs/attr.ts';
import { EINTR, EIO } from '../../vfs/errno.ts';
import type { MaybePromise, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import { type Copying, type Inode, UPPER_DATA } from '../read/inode.ts';
import { visibleNames } from '../read/visible-names.ts';
import { copyBytes } from './copy-bytes.ts';
import { copyMetadata, metadataOf } from './copy-metadata.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { fillMetacopy, markMetacopy } from './metacopy.ts';
import { copyUpDirectory, linkCopy, moveCopy } from './upper-directories.ts';
import { linkNames, placeShared } from './shared-copies.ts';
import { type StagedFile, stageFile } from './stage-file.ts';

/** How much of an inode the upper must have. `limit`: only the first bytes of the file, as many, are needed. */
export type Need = { readonly kind: 'metadata' } | NeededData;

export interface NeededData {
  readonly kind: 'data';
  readonly limit: number;
  /** The caller is going to open the file: a new descriptor of it stays open, even if the inode is not open. */
  readonly opens: boolean;
}

export const METADATA: Need = { kind: 'metadata' };
export const ALL_DATA: NeededData = { kind: 'data', limit: Number.MAX_SAFE_INTEGER, opens: false };

/**
 * Brings an inode to the upper as far as `need` says; a directory must be loaded. An inode has one copy at a time: calls that
 * come meanwhile wait for it, and then look again. A copy is given up when all calls that wait for it are interrupted.
 */
export function copyUp(parts: CopyUpParts, inode: Inode, need: Need, call: Call): MaybePromise<Status> {
  if (inode instanceof DirectoryInode) return copyUpDirectory(parts, inode);
  if (inode.copying !== undefined) {
    return waitFor(inode.copying, call, () => copyUp(parts, inode, need, call));
  }
  const { limit, opens } = need.kind === 'data' ? need : ALL_DATA;
  const plan = planCopy(parts, inode, need);
  switch (plan) {
    case 'nothing':
      return 0;
    case 'lost':
      return -EIO;
    case 'no-bytes':
    case 'metacopy':
      return copyToNewFile(parts, inode, plan, opens);
    case 'with-bytes':
      return startCopy(inode, call, (isWanted) => copyWithBytes(parts, inode, limit, opens, isWanted));
    case 'only-bytes':
      return startCopy(inode, call, (isWanted) => fillMetacopy(parts, inode, limit, isWanted));
  }
}

type Plan =
  /** The upper has all that is needed. */
  | 'nothing'
  /** A new upper file without bytes: the inode has none, or none of them are needed. */
  | 'no-bytes'
  /** A new upper file with metadata alone. */
  | 'metacopy'
  /** A new upper file with bytes. */
  | 'with-bytes'
  /** The bytes of a metacopy, which the upper has. */
  | 'only-bytes'
  /** Bytes that neither the upper nor the tree has. */
  | 'lost';

function planCopy({ tree, upper }: CopyUpParts, inode: Inode, need: Need): Plan {
  if (inode.hasUpper) {
    if (inode.dataInode === UPPER_DATA || need.kind === 'metadata') return 'nothing';
    return inode.dataInode < 0 ? 'lost' : 'only-bytes';
  }
  if (inode.type !== S_IFREG || tree.sizeOf(inode.lower) === 0) return 'no-bytes';
  if (need.kind === 'metadata' && upper.usesMetacopy) return 'metacopy';
  if (need.kind === 'data' && need.limit <= 0) return 'no-bytes';
  return inode.dataInode < 0 ? 'lost' : 'with-bytes';
}

function waitFor(
  { waiters, done }: Copying,
  call: Call,
  lookAgain: () => MaybePromise<Status>,
): Promise<Status> {
  waiters.push(call);
  return done.then((status) => (status === 0 && !call.isInterrupted ? lookAgain() : status || -EINTR));
}

/** `copy` asks `isWanted` now and then whether any call still waits for it. */
function startCopy(
  inode: Inode,
  call: Call,
  copy: (isWanted: () => boolean) => MaybePromise<Status>,
): MaybePromise<Status> {
  const waiters = [call];
  const isWanted = (): boolean => waiters.some((waiter) => !waiter.isInterrupted);
  const started = copy(isWanted);
  if (typeof started === 'number') return started;
  const done = started.finally(() => (inode.copying = undefined));
  inode.copying = { done, waiters };
  return done;
}

/** Stage, fill, finish, at once. */
function copyToNewFile(
  parts: CopyUpParts,
  inode: Inode,
  plan: 'no-bytes' | 'metacopy',
  opens: boolean,
): Status {
  const staged = stageFile(parts, inode);
  if (typeof staged === 'number') return staged;
  let status = plan === 'metacopy' ? markMetacopy(parts, inode.lower, staged) : 0;
  if (status === 0) status = copyMetadata(parts, inode.lower, staged);
  return finish(parts, inode, staged, status, plan === 'metacopy' ? inode.lower : UPPER_DATA, opens);
}

/** Stage, fill with bytes, finish. */
function copyWithBytes(
  parts: CopyUpParts,
  inode: Inode,
  limit: number,
  opens: boolean,
  isWanted: () => boolean,
): MaybePromise<Status> {
  const staged = stageFile(parts, inode);
  if (typeof staged === 'number') return staged;
  return fillWithBytes(parts, inode, staged, limit, isWanted).then((status) =>
    finish(parts, inode, staged, status, UPPER_DATA, opens),
  );
}

async function fillWithBytes(
  parts: CopyUpParts,
  { dataInode, lower }: Inode,
  staged: StagedFile,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const metadata = metadataOf(parts, lower, staged);
  if (typeof metadata === 'number') return metadata;
  const status = await copyBytes(parts, dataInode, staged.fd, limit, metadata, isWanted);
  return status === 0 && !isWanted() ? -EINTR : status;
}

/**
 * Makes a staged file, which is complete if `status` is 0, the upper file of its inode. The descriptor stays open if the inode
 * is open or `opens`, and the upper has its bytes. On failure nothing of the staged file remains.
 */
function finish(
  parts: CopyUpParts,
  inode: Inode,
  staged: StagedFile,
  status: Status,
  dataInode: number,
  opens: boolean,
): Status {
  const { tree, upper, inodes, changed } = parts;
  let result = status;
  if (result === 0) {
    changed.add(inode);
    const isShared = tree.linkCountOf(inode.lower) > 1;
    result = isShared ? placeShared(parts, inode, staged) : placeOnly(parts, inode, staged);
    if (result === 0) inode.dataInode = dataInode;
    if (result === 0 && isShared) linkNames(parts, inode);
  }
  const stays = opens || inodes.isOpen(inode.nodeId);
  if (result === 0 && dataInode === UPPER_DATA && staged.fd >= 0 && stays) {
    inode.readFd = staged.fd;
    inode.writeFd = staged.fd;
  } else if (staged.fd >= 0) {
    closeSync(staged.fd);
  }
  if (result < 0 && staged.name.length > 0) unlinkAt(upper.workFd, staged.name);
  return result;
}

/** Gives a staged file the only name of its inode, or none if that was removed while the file is open. */
function placeOnly(parts: CopyUpParts, inode: Inode, staged: StagedFile): Status {
  const visible = visibleNames(parts, inode.lower);
  if (typeof visible === 'number') return visible;
  const stat = parts.upper.statStoredAt(staged.dir, staged.name);
  if (typeof stat === 'number') return stat;
  const [only] = visible;
  if (only !== undefined) {
    const place = staged.name.length === 0 ? linkCopy : moveCopy;
    const status = place(parts, inode.lower, staged, only);
    if (status === 0) parts.inodes.addName(inode, only, stat.ino);
    return status;
  }
  const fd = staged.fd >= 0 ? reopen(staged.fd, O_PATH) : openAt(staged.dir, staged.name, O_PATH);
  if (fd < 0) return fd;
  if (staged.name.length > 0) unlinkAt(parts.upper.workFd, staged.name);
  inode.upperFd = fd;
  inode.upperIno = stat.ino;
  return 0;
}
