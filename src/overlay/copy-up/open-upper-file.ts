// Opens the upper file of an inode.
import { closeSync } from 'node:fs';
import { statAt } from '../../sys/stat-at.ts';
import { NO_NAME, openAt, reopen } from '../../sys/upper-calls.ts';
import { EACCES, ESTALE } from '../../vfs/errno.ts';
import { DirectoryInode } from '../read/directory-inode.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

/** A descriptor, the caller's, or a negative errno: -ESTALE if the file is not the one that the inode had. */
export function openUpperFile(
  { upper, changed }: Pick<CopyUpParts, 'upper' | 'changed'>,
  inode: Inode,
  flags: number,
): number {
  if (inode instanceof DirectoryInode) {
    const fd = upper.directoryFd(inode);
    return fd < 0 ? fd : reopen(fd, flags);
  }
  const place = upper.placeOf(inode);
  if (typeof place === 'number') return place;
  const { dir, name } = place;
  const open = (): number => {
    const fd = upper.withAtimeFlags(flags, (all) =>
      name.length === 0 ? reopen(dir, all) : openAt(dir, name, all),
    );
    return fd < 0 || inode.dataInode === UPPER_DATA ? fd : requireSameFile(inode, fd);
  };
  const fd = open();
  if (fd !== -EACCES) return fd;
  // The mode is changed during the open, which moves ctime.
  changed.add(inode);
  return upper.asOwner(dir, name, open);
}

/** `fd`, unless another file was put under the name: reads of a metacopy would show the image's bytes as that file's. */
function requireSameFile({ upperIno }: Inode, fd: number): number {
  const stat = statAt(fd, NO_NAME);
  if (typeof stat !== 'number' && stat.ino === upperIno) return fd;
  closeSync(fd);
  return typeof stat === 'number' ? stat : -ESTALE;
}
