// Recovery of shared copies (copy-up/shared-copies.ts): makes the links that an earlier mount did not get to.
import { linkAt, listNames, renameAt } from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, EMLINK, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { latin1Of } from '../../vfs/names.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import { entryName, openExistingLinks, openLinks } from '../copy-up/links-directory.ts';
import { linkName, removeEntry } from '../copy-up/shared-copies.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import { visibleNames } from '../read/visible-names.ts';
import type { Place } from '../upper/upper.ts';

/** Runs before any upper directory is read. Returns 0 or a negative errno. */
export function recoverSharedCopies(parts: CopyUpParts): Status {
  const links = openExistingLinks(parts.upper);
  if (links < 0) return links === -ENOENT ? 0 : links;
  const names = listNames(links);
  if (typeof names === 'number') return names;
  const found: Inode[] = [];
  for (const { name } of unpackNames(names)) {
    const inode = readEntry(parts, Buffer.from(name));
    if (inode !== undefined) found.push(inode);
  }
  for (const inode of found) {
    const status = completeLinks(parts, inode);
    if (status < 0) return status;
  }
  return 0;
}

/**
 * The inode of an entry, which becomes its upper file. The upper is hostile: an entry leads to a lower inode by its name, as
 * overlay.origin does, and shows under all names of that, also in directories of other users. So it counts only if it fits the
 * tree and its owner is trusted with marks. Any other entry stays for a mount of its owner.
 */
function readEntry(parts: CopyUpParts, entry: Buffer): Inode | undefined {
  const { tree, upper, inodes } = parts;
  const lower = lowerOf(parts, entry);
  if (lower < 0 || !upper.followsMarks(upper.linksFd, entry)) return undefined;
  const stat = upper.statAt(upper.linksFd, entry);
  if (typeof stat === 'number') return undefined;
  const stored = stat.mode & S_IFMT;
  const marks = upper.readMarks(upper.linksFd, entry);
  const type = tree.modeOf(lower) & S_IFMT;
  if (typeof marks === 'number' || (stored !== type && !(stored === S_IFREG && marks.isShownWhiteout))) {
    return undefined;
  }
  const inode = inodes.getLower(lower);
  inode.dataInode = marks.isMetacopy && type === S_IFREG ? lower : UPPER_DATA;
  inode.protection = marks.protection;
  inode.sharedEntry = entry;
  inodes.addCopy(inode, stat.ino);
  return inode;
}

/** The tree's inode that an entry is for; -1 if it is not for an inode of this tree that has several names. */
function lowerOf({ tree, upper }: CopyUpParts, entry: Uint8Array): number {
  const text = latin1Of(entry);
  const lower = Number(text.slice(text.indexOf('-') + 1));
  if (!Number.isSafeInteger(lower) || lower < 0 || lower >= tree.inodeCount) return -1;
  if (!entryName(upper, lower).equals(entry) || tree.isDirectory(lower)) return -1;
  return tree.linkCountOf(lower) > 1 ? lower : -1;
}

/** Makes the missing links, as many as possible, and counts the names that show. */
function completeLinks(parts: CopyUpParts, inode: Inode): Status {
  const { upper } = parts;
  const entry = inode.sharedEntry;
  const visible = visibleNames(parts, inode.lower);
  if (typeof visible === 'number') return visible;
  if (entry === undefined) return 0;
  let missing = 0;
  for (const target of visible) if (linkName(parts, inode, target) < 0) missing++;
  const stat = upper.statStoredAt(upper.linksFd, entry);
  if (typeof stat === 'number') return stat;
  inode.sharedLinks = stat.nlink - 1 + missing;
  if (missing === 0) removeEntry(parts, inode);
  return 0;
}

/** Gives the copy at `place` a link under every name of its inode. A copy that has the maximum of links stays as it is. */
export function shareCopy(parts: CopyUpParts, inode: Inode, place: Place): Status {
  const links = openLinks(parts.upper);
  if (links < 0) return links;
  const name = entryName(parts.upper, inode.lower);
  const status = linkAt(place.dir, place.name, links, name);
  if (status === -EMLINK) return 0;
  if (status < 0 && status !== -EEXIST) return status;
  inode.sharedEntry = name;
  return completeLinks(parts, inode);
}

/** Moves a file of the work directory, a copy of the tree's inode `lower`, to the entries, for recoverSharedCopies. */
export function moveToEntries({ upper }: CopyUpParts, dir: number, name: Uint8Array, lower: number): Status {
  const links = openLinks(upper);
  return links < 0 ? links : renameAt(dir, name, links, entryName(upper, lower), 0);
}
