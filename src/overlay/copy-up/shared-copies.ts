// SharedCopies: copies of lower inodes that have several names.
//
// In the mount all names of a lower inode lead to one object, so one copy serves them all. For readers of the upper that
// don't know the object (kernel overlayfs, the next mount) each name needs a link of its own. A copy so appears in two steps:
// - It gets one name in W/stratafs-links, by one system call. From then on every name shows the copy, after a crash too.
// - The names get their links, a few in each turn of the event loop. Then the name in W/stratafs-links goes.
// Where the second step ends early (a crash, a full disk, the file system's limit of links) the entry stays. The next mount
// finds it, and goes on. The entry's own link never shows in a link count.
import { closeSync } from 'node:fs';
import {
  NO_NAME,
  O_PATH,
  linkAt,
  listNames,
  mkdirAt,
  openAt,
  renameAt,
  unlinkAt,
  DIRECTORY_FLAGS,
} from '../../sys/upper-calls.ts';
import { S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST, EMLINK, ENOENT, EPERM } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { linkTarget } from './copied-names.ts';
import { type Inode, UPPER_DATA } from '../read/inode.ts';
import type { CopyUpParts } from './copy-up-parts.ts';
import { type VisibleName, visibleNames } from '../read/visible-names.ts';
import type { Place, Upper } from '../upper/upper.ts';

const DIRECTORY = bytesOf('stratafs-links');
/** Names that get their links in one turn. A copy with fewer names is complete before the call is answered. */
const LINKS_A_TURN = 32;

/** The name of an entry: of which tree, in hex, and which of its inodes. */
function entryName(state: CopyUpParts, lower: number): Buffer {
  return bytesOf(`${Buffer.from(state.upper.identity).toString('hex')}-${lower}`);
}

/** The tree's inode that an entry is for; -1: none of this tree's that has several names. */
function lowerOf(state: CopyUpParts, name: Uint8Array): number {
  const text = latin1Of(name);
  const lower = Number(text.slice(text.indexOf('-') + 1));
  if (!Number.isSafeInteger(lower) || lower < 0 || lower >= state.tree.inodeCount) return -1;
  if (!entryName(state, lower).equals(name) || state.tree.isDirectory(lower)) return -1;
  return state.tree.linkCountOf(lower) > 1 ? lower : -1;
}

/** W/stratafs-links, opened, and made where it is missing; a negative errno. */
function openEntries({ upper }: CopyUpParts): number {
  if (upper.linksFd >= 0) return upper.linksFd;
  const made = mkdirAt(upper.baseFd, DIRECTORY, 0o700, 0);
  if (made < 0 && made !== -EEXIST) return made;
  upper.linksFd = openOwn(upper);
  return upper.linksFd;
}

/** The directory as it is. -EPERM where it is neither this user's nor that of W's owner: entries show as files of the image. */
function openOwn(upper: Upper): number {
  const fd = openAt(upper.baseFd, DIRECTORY, DIRECTORY_FLAGS);
  if (fd < 0) return fd;
  const owners = [process.geteuid?.(), ownerOf(upper, upper.baseFd)];
  if (owners.includes(ownerOf(upper, fd))) return fd;
  closeSync(fd);
  return -EPERM;
}

function ownerOf(upper: Upper, fd: number): number {
  const stat = upper.statStoredAt(fd, NO_NAME);
  return typeof stat === 'number' ? -1 : stat.uid;
}

/** The first step for a staged file, complete, whose name in the work directory (if it has one) is taken away. */
export function placeShared(state: CopyUpParts, inode: Inode, staged: Place): Status {
  const links = openEntries(state);
  if (links < 0) return links;
  const name = entryName(state, inode.lower);
  // What a mount with another copy of this inode has left means nothing any more.
  unlinkAt(links, name);
  const status =
    staged.name.length === 0
      ? linkAt(staged.dir, staged.name, links, name)
      : renameAt(staged.dir, staged.name, links, name, 0);
  if (status < 0) return status;
  const stat = state.upper.statStoredAt(links, name);
  if (typeof stat === 'number') return stat;
  inode.sharedEntry = name;
  inode.sharedLinks = state.tree.linkCountOf(inode.lower) - inode.lostNames;
  state.inodes.addCopy(inode, stat.ino);
  return 0;
}

/** The second step, its first turn at once. MaybePromise turns report what they change by `state.changed`. */
export function linkNames(state: CopyUpParts, inode: Inode): void {
  if (inode.sharedLinks === 0) removeEntry(state, inode);
  const names = state.names.dentriesOf(inode.lower).values();
  if (linkSome(state, inode, names)) return;
  state.linking.add(async () => {
    do await nextTurn();
    while (!reporting(state, () => linkSome(state, inode, names)));
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function reporting<T>(state: CopyUpParts, change: () => T): T {
  const result = change();
  state.changed.report();
  return result;
}

/** One turn. True where there is nothing left to do, or nothing more can be done in this mount. */
function linkSome(state: CopyUpParts, inode: Inode, names: Iterator<number>): boolean {
  for (let i = 0; i < LINKS_A_TURN; i++) {
    if (inode.sharedEntry === undefined) return true;
    const next = names.next();
    if (next.done === true) {
      removeEntry(state, inode);
      return true;
    }
    if (linkDentry(state, inode, next.value) < 0) return true;
  }
  return false;
}

function linkDentry(state: CopyUpParts, inode: Inode, dentry: number): Status {
  const directory = state.directories.getLower(state.names.directoryOf(dentry));
  if (directory === -ENOENT) return 0;
  if (typeof directory === 'number') return directory;
  if (directory.isRemoved || directory.hidden.has(dentry)) return 0;
  return linkName(state, inode, { directory, name: state.tree.nameOf(dentry) });
}

/** Makes sure that a shared copy has its link under a name by which it shows: before that is renamed. */
export function linkName(state: CopyUpParts, inode: Inode, target: VisibleName): Status {
  if (inode.sharedEntry === undefined) return 0;
  const place: Place = { dir: state.upper.linksFd, name: inode.sharedEntry };
  const status = linkTarget(state, inode.lower, place, target);
  if (status === -EEXIST) return 0;
  if (status < 0) return status;
  state.changed.add(inode);
  state.inodes.addName(inode, target, inode.upperIno);
  return 0;
}

/** A name of a shared copy went. With the last one the copy goes on by a descriptor. */
export function countLostName(state: CopyUpParts, inode: Inode): void {
  if (inode.sharedEntry !== undefined && --inode.sharedLinks === 0) removeEntry(state, inode);
}

/** All names have their links, or there is no name any more. */
function removeEntry(state: CopyUpParts, inode: Inode): void {
  const { linksFd } = state.upper;
  const entry = inode.sharedEntry;
  if (entry === undefined) return;
  if (inode.upperNames.length === 0 && inode.upperFd < 0) {
    const fd = openAt(linksFd, entry, O_PATH);
    if (fd < 0) return;
    inode.upperFd = fd;
  }
  unlinkAt(linksFd, entry);
  inode.sharedEntry = undefined;
  state.changed.add(inode);
}

/** Before anything else is read of the upper: the copies that an earlier mount left with too few links. 0, or a negative errno. */
export function recoverShared(state: CopyUpParts): Status {
  const { upper } = state;
  const fd = upper.linksFd >= 0 ? upper.linksFd : openOwn(upper);
  if (fd < 0) return fd === -ENOENT ? 0 : fd;
  upper.linksFd = fd;
  const names = listNames(fd);
  if (typeof names === 'number') return names;
  const found: Inode[] = [];
  for (let at = 0; at < names.length; at += 2 + (names[at + 1] as number)) {
    const inode = recover(state, Buffer.from(names.subarray(at + 2, at + 2 + (names[at + 1] as number))));
    if (inode !== undefined) found.push(inode);
  }
  for (const inode of found) {
    const status = completeNow(state, inode);
    if (status < 0) return status;
  }
  return 0;
}

/**
 * The upper is hostile: an entry is believed where it fits the tree, and where marks of its file are followed. Its name leads to a
 * lower inode, as overlay.origin does, and it shows under all names of that, also in directories of others. Any other entry
 * stays as it is, for a mount of its owner.
 */
function recover(state: CopyUpParts, entry: Buffer): Inode | undefined {
  const { upper, tree } = state;
  const lower = lowerOf(state, entry);
  if (lower < 0 || !upper.followsMarks(upper.linksFd, entry)) return undefined;
  const stat = upper.statAt(upper.linksFd, entry);
  if (typeof stat === 'number') return undefined;
  const stored = stat.mode & S_IFMT;
  const marks = upper.readMarks(upper.linksFd, entry);
  const type = tree.modeOf(lower) & S_IFMT;
  if (typeof marks === 'number' || (stored !== type && !(stored === S_IFREG && marks.isShownWhiteout))) {
    return undefined;
  }
  const inode = state.inodes.getLower(lower);
  inode.dataInode = marks.isMetacopy && type === S_IFREG ? lower : UPPER_DATA;
  inode.protection = marks.protection;
  inode.sharedEntry = entry;
  state.inodes.addCopy(inode, stat.ino);
  return inode;
}

/** Links the names that have no link yet, as far as that goes, and counts all that show. */
function completeNow(state: CopyUpParts, inode: Inode): Status {
  const { upper } = state;
  const entry = inode.sharedEntry;
  const targets = visibleNames(state, inode.lower);
  if (typeof targets === 'number' || entry === undefined) return Math.min(Number(targets), 0);
  let missing = 0;
  for (const target of targets) if (linkName(state, inode, target) < 0) missing++;
  const stat = upper.statStoredAt(upper.linksFd, entry);
  if (typeof stat === 'number') return stat;
  inode.sharedLinks = stat.nlink - 1 + missing;
  if (missing === 0) removeEntry(state, inode);
  return 0;
}

/**
 * Gives a copy that `place` names all names by which its inode shows, when mounting. Where it has so many links that none can
 * be added it stays as it is.
 */
export function shareCopy(state: CopyUpParts, inode: Inode, place: Place): Status {
  const links = openEntries(state);
  if (links < 0) return links;
  const name = entryName(state, inode.lower);
  const status = linkAt(place.dir, place.name, links, name);
  if (status === -EMLINK) return 0;
  if (status < 0 && status !== -EEXIST) return status;
  inode.sharedEntry = name;
  return completeNow(state, inode);
}

/** An upper file that a mount left in the work directory becomes an entry, for `recoverShared`. */
export function moveToEntries(state: CopyUpParts, dir: number, name: Uint8Array, lower: number): Status {
  const links = openEntries(state);
  return links < 0 ? links : renameAt(dir, name, links, entryName(state, lower), 0);
}
