// Lists a directory that has an object: the tree's names that show, then added names (positions: directory-inode.ts).
import type { Tree } from '../../tree/tree.ts';
import { S_IFDIR, S_IFREG } from '../../vfs/attr.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { DirectorySink, Entry, NodeId } from '../../vfs/filesystem.ts';
import type { Directories } from './directories.ts';
import type { AddedName, DirectoryInode } from './directory-inode.ts';
import type { Inodes } from './inodes.ts';
import { NO_ROUND, cookieOf, positionOf } from './listing-cookies.ts';
import { fillUnresolved } from './listing.ts';
import { bytesOf } from '../../vfs/names.ts';

const DOTS = Uint8Array.of(0x2e, 0x2e);
const NO_NODE = 0 as NodeId;
const NOTHING: ReadonlySet<number> = new Set();

/** The position at which a piece of a listing begins, and the round of its cookies (listing-cookies.ts). */
interface Place {
  readonly position: number;
  readonly round: number;
}

export class MergedListing {
  readonly #tree: Tree;
  readonly #inodes: Inodes;
  readonly #directories: Directories;

  constructor(tree: Tree, inodes: Inodes, directories: Directories) {
    this.#tree = tree;
    this.#inodes = inodes;
    this.#directories = directories;
  }

  /** As listDirectory, for a loaded directory. */
  list(directory: DirectoryInode, cookie: number, sink: DirectorySink, entry: Entry): void {
    const above = (directory.parent ?? directory).ino;
    const { lower, hidden } = directory;
    const round = directory.beginListing();
    const place: Place = { position: positionOf(cookie, round), round };
    entry.generation = 0;
    if (
      this.#listDots(directory.ino, above, place, sink, entry) &&
      (lower < 0 || this.#listLower(lower, hidden, place, sink, entry))
    ) {
      for (const added of directory.addedAfter(place.position)) {
        if (!this.#listAdded(directory, added, place, sink, entry)) return;
      }
    }
  }

  /** The same for a directory that only the tree has. Inodes in it may have been changed under other names. */
  listPristine(lower: number, cookie: number, sink: DirectorySink, entry: Entry): void {
    entry.generation = 0;
    const above = this.#tree.parentOf(lower) + 1;
    const place: Place = { position: cookie, round: NO_ROUND };
    if (this.#listDots(lower + 1, above, place, sink, entry)) {
      this.#listLower(lower, NOTHING, place, sink, entry);
    }
  }

  #listDots(ino: number, above: number, place: Place, sink: DirectorySink, entry: Entry): boolean {
    entry.nodeId = NO_NODE;
    for (let dots = place.position + 1; dots <= 2; dots++) {
      entry.attr.ino = dots === 1 ? ino : above;
      entry.attr.mode = S_IFDIR;
      if (!sink.add(DOTS, 0, dots, cookieOf(dots, place.round), entry)) return false;
    }
    return true;
  }

  #listLower(
    lower: number,
    hidden: ReadonlySet<number>,
    place: Place,
    sink: DirectorySink,
    entry: Entry,
  ): boolean {
    const tree = this.#tree;
    const first = tree.firstChild(lower);
    const end = first + tree.childCount(lower);
    for (let dentry = first + Math.max(0, place.position - 2); dentry < end; dentry++) {
      if (hidden.has(dentry)) continue;
      const child = tree.dentryInode(dentry);
      if (tree.isForbidden(child)) fillUnresolved(tree.modeOf(child), entry);
      else if (!this.#fill((child + 1) as NodeId, tree.modeOf(child), sink, entry)) continue;
      const cookie = cookieOf(3 + dentry - first, place.round);
      if (!sink.add(tree.namePool, tree.nameStart(dentry), tree.nameEnd(dentry), cookie, entry)) return false;
      this.#count(entry, sink);
    }
    return true;
  }

  #listAdded(
    directory: DirectoryInode,
    added: AddedName,
    place: Place,
    sink: DirectorySink,
    entry: Entry,
  ): boolean {
    const inode = this.#directories.resolve(directory, added);
    const name = bytesOf(added.name);
    const cookie = cookieOf(added.position, place.round);
    if (typeof inode === 'number') {
      // Another program removed it from the upper.
      if (inode === -ENOENT) return true;
      fillUnresolved(added.isDirectory ? S_IFDIR : S_IFREG, entry);
      return sink.add(name, 0, name.length, cookie, entry);
    }
    if (!this.#fill(inode.nodeId, inode.type, sink, entry)) return true;
    if (!sink.add(name, 0, name.length, cookie, entry)) return false;
    this.#count(entry, sink);
    return true;
  }

  #fill(node: NodeId, mode: number, sink: DirectorySink, entry: Entry): boolean {
    entry.nodeId = node;
    if (sink.wantsAttributes) return this.#directories.readAttr(node, entry.attr) === 0;
    entry.attr.ino = this.#inodes.get(node)?.ino ?? node;
    entry.attr.mode = mode;
    return true;
  }

  #count(entry: Entry, sink: DirectorySink): void {
    if (!sink.wantsAttributes) return;
    this.#inodes.get(entry.nodeId)?.countLookup();
  }
}
