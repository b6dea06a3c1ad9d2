// W/stratafs-links: an entry for each shared copy (shared-copies.ts) whose names do not all have their links yet.
import { closeSync } from 'node:fs';
import { NO_NAME, DIRECTORY_FLAGS, mkdirAt, openAt } from '../../sys/upper-calls.ts';
import { EEXIST, EPERM } from '../../vfs/errno.ts';
import { bytesOf } from '../../vfs/names.ts';
import type { Upper } from '../upper/upper.ts';

const LINKS_DIRECTORY = bytesOf('stratafs-links');

/** The name of an entry: the identity of the tree in hex, and the number of its inode. */
export function entryName(upper: Upper, lower: number): Buffer {
  return bytesOf(`${Buffer.from(upper.identity).toString('hex')}-${lower}`);
}

/** A descriptor, the upper's, of the directory, which is created if it is missing; or a negative errno. */
export function openLinks(upper: Upper): number {
  if (upper.linksFd >= 0) return upper.linksFd;
  const status = mkdirAt(upper.baseFd, LINKS_DIRECTORY, 0o700, 0);
  if (status < 0 && status !== -EEXIST) return status;
  return openExistingLinks(upper);
}

/**
 * The same of a directory that exists. -EPERM if it belongs neither to this user nor to the owner of W: its entries show as
 * files of the image.
 */
export function openExistingLinks(upper: Upper): number {
  if (upper.linksFd >= 0) return upper.linksFd;
  const fd = openAt(upper.baseFd, LINKS_DIRECTORY, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  const owner = ownerOf(upper, fd);
  if (owner < 0 || (owner !== process.geteuid?.() && owner !== ownerOf(upper, upper.baseFd))) {
    closeSync(fd);
    return -EPERM;
  }
  upper.linksFd = fd;
  return fd;
}

function ownerOf(upper: Upper, fd: number): number {
  const stat = upper.statStoredAt(fd, NO_NAME);
  return typeof stat === 'number' ? -1 : stat.uid;
}
