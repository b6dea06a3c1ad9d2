// Shared copies: copies of lower inodes that have several names.
//
// In the mount all names of a lower inode lead to one object, so one copy serves all of them. Readers of the upper that do not
// know the object (kernel overlayfs, the next mount) need a link under each name. So a copy appears in two steps:
// - It gets one name in W/stratafs-links by one system call. From then on it shows under every name, after a crash too.
// - The names get their links, a few in each turn of the event loop. Then the name in W/stratafs-links is removed.
// If the second step ends early (a crash, a full disk, the file system's limit of links) the entry stays, and the next mount
// goes on (overlay/recovery). The link of the entry never shows in a link count.
import { O_PATH, linkAt, openAt, renameAt, unlinkAt } from '../../sys/upper-calls.ts';
import { EEXIST, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { Inode } from '../read/inode.ts';
import type { VisibleName } from '../read/visible-names.ts';
import type { Place } from '../upper/upper.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { entryName, openLinks } from './links-directory.ts';
import { linkCopy } from './upper-directories.ts';

/** Names that get their links in one turn. A copy with fewer names is complete before the call is answered. */
const LINKS_A_TURN = 32;

/** The first step. A staged name in the work directory is gone afterwards. */
export function placeShared({ tree, upper, inodes }: CopyUpParts, inode: Inode, staged: Place): Status {
  const links = openLinks(upper);
  if (links < 0) return links;
  const name = entryName(upper, inode.lower);
  // An entry that a mount with another copy of this inode has left is obsolete.
  unlinkAt(links, name);
  const status =
    staged.name.length === 0
      ? linkAt(staged.dir, staged.name, links, name)
      : renameAt(staged.dir, staged.name, links, name, 0);
  if (status < 0) return status;
  const stat = upper.statStoredAt(links, name);
  if (typeof stat === 'number') return stat;
  inode.sharedEntry = name;
  inode.sharedLinks = tree.linkCountOf(inode.lower) - inode.lostNames;
  inodes.addCopy(inode, stat.ino);
  return 0;
}

/** The second step: the first turn runs at once, later turns in the background. */
export function linkNames(parts: CopyUpParts, inode: Inode): void {
  const { names, changed, linking } = parts;
  if (inode.sharedLinks === 0) removeEntry(parts, inode);
  const dentries = names.dentriesOf(inode.lower).values();
  if (linkSome(parts, inode, dentries)) return;
  linking.add(async () => {
    for (let isDone = false; !isDone;) {
      await new Promise((resolve) => setImmediate(resolve));
      isDone = linkSome(parts, inode, dentries);
      changed.report();
    }
  });
}

/** One turn. True if all is done, or nothing more can be done in this mount. */
function linkSome(parts: CopyUpParts, inode: Inode, dentries: Iterator<number>): boolean {
  for (let i = 0; i < LINKS_A_TURN; i++) {
    if (inode.sharedEntry === undefined) return true;
    const next = dentries.next();
    if (next.done === true) {
      removeEntry(parts, inode);
      return true;
    }
    if (linkDentry(parts, inode, next.value) < 0) return true;
  }
  return false;
}

function linkDentry(parts: CopyUpParts, inode: Inode, dentry: number): Status {
  const { tree, names, directories } = parts;
  const directory = directories.getLower(names.directoryOf(dentry));
  if (directory === -ENOENT) return 0;
  if (typeof directory === 'number') return directory;
  if (directory.isRemoved || directory.hidden.has(dentry)) return 0;
  return linkName(parts, inode, { directory, name: tree.nameOf(dentry) });
}

/** Makes sure that a shared copy has its link under a name by which it shows. Does nothing for other inodes. */
export function linkName(parts: CopyUpParts, inode: Inode, target: VisibleName): Status {
  const { upper, inodes, changed } = parts;
  if (inode.sharedEntry === undefined) return 0;
  const entry: Place = { dir: upper.linksFd, name: inode.sharedEntry };
  const status = linkCopy(parts, inode.lower, entry, target);
  if (status === -EEXIST) return 0;
  if (status < 0) return status;
  changed.add(inode);
  inodes.addName(inode, target, inode.upperIno);
  return 0;
}

/** A name of the inode is gone. Without any name a shared copy is kept by a descriptor. */
export function countLostName(parts: CopyUpParts, inode: Inode): void {
  if (inode.sharedEntry !== undefined && --inode.sharedLinks === 0) removeEntry(parts, inode);
}

/** Removes the entry once all names have their links, or no name is left. */
export function removeEntry({ upper, changed }: CopyUpParts, inode: Inode): void {
  const entry = inode.sharedEntry;
  if (entry === undefined) return;
  if (inode.upperNames.length === 0 && inode.upperFd < 0) {
    const fd = openAt(upper.linksFd, entry, O_PATH);
    if (fd < 0) return;
    inode.upperFd = fd;
  }
  unlinkAt(upper.linksFd, entry);
  inode.sharedEntry = undefined;
  changed.add(inode);
}
