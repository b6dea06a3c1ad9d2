// Metacopies: upper files that have the metadata of a lower file, and not its bytes. These are read from the tree as long as
// the mark overlay.metacopy is there.
import { closeSync, constants } from 'node:fs';
import { statAt } from '../../sys/stat-at.ts';
import { KEEP_ID, NO_NAME, truncateFile, utimensAt } from '../../sys/upper-calls.ts';
import { KEEP_MODE, OwnerTolerance, packMetadata } from '../../sys/upper-fill.ts';
import { ENODATA } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf } from '../../vfs/names.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import { copyBytes } from './copy-bytes.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { openUpperFile } from './open-upper-file.ts';
import type { StagedFile } from './stage-file.ts';

const SAME_OWNER = { uid: KEEP_ID, gid: KEEP_ID, tolerance: OwnerTolerance.NONE };
const NO_VALUE = new Uint8Array(0);

/** Gives a staged file the size of the tree's file `lower`, and marks that say that this file has its bytes. */
export function markMetacopy({ tree, names, upper }: CopyUpParts, lower: number, staged: StagedFile): Status {
  const { marks } = upper;
  let status = marks.set(staged.dir, staged.name, 'metacopy', NO_VALUE);
  if (status === 0 && names.dentriesOf(lower).length > 1) {
    status = marks.set(staged.dir, staged.name, 'redirect', bytesOf(names.pathOf(lower)));
  }
  return status < 0 ? status : truncateFile(staged.fd, tree.sizeOf(lower));
}

/** Copies the first `limit` bytes into the upper file of a metacopy. They count once the mark is removed, after fsync. */
export async function fillMetacopy(
  parts: CopyUpParts,
  inode: Inode,
  limit: number,
  isWanted: () => boolean,
): Promise<Status> {
  const { tree, upper, inodes, changed } = parts;
  const fd = openUpperFile(parts, inode, constants.O_RDWR);
  if (fd < 0) return fd;
  let isUsed = false;
  try {
    const before = statAt(fd, NO_NAME);
    if (typeof before === 'number') return before;
    const sameTimes = packMetadata(SAME_OWNER, [], KEEP_MODE, before);
    let status = await copyBytes(parts, inode.dataInode, fd, limit, sameTimes, isWanted);
    if (status !== 0) {
      // Frees the space of the copied bytes. If this fails too, the mark still says that they don't count.
      truncateFile(fd, 0);
      truncateFile(fd, tree.sizeOf(inode.dataInode));
      utimensAt(fd, NO_NAME, before.atimeSec, before.atimeNsec, before.mtimeSec, before.mtimeNsec);
      return status;
    }
    status = upper.marks.remove(fd, NO_NAME, 'metacopy');
    if (status < 0 && status !== -ENODATA) return status;
    // It has no meaning without overlay.metacopy.
    upper.marks.remove(fd, NO_NAME, 'redirect');
    inode.dataInode = UPPER_DATA;
    if (inodes.isOpen(inode.nodeId)) {
      inode.readFd = fd;
      inode.writeFd = fd;
      isUsed = true;
    }
    return 0;
  } finally {
    changed.add(inode);
    if (!isUsed) closeSync(fd);
  }
}
