// Lists a directory that has an object: the tree's names that show, then added names (cookies: directory-inode.ts).
import type { Tree } from '../../tree/tree.ts';
import { S_IFDIR, S_IFREG } from '../../vfs/attr.ts';
import { ENOENT } from '../../vfs/errno.ts';
import type { DirectorySink, Entry, NodeId } from '../../vfs/filesystem.ts';
import type { Directories } from './directories.ts';
import type { AddedName, DirectoryInode } from './directory-inode.ts';
import type { Inodes } from './inodes.ts';
import { fillUnresolved } from './listing.ts';
import { bytesOf } from '../../vfs/names.ts';

const DOTS = Uint8Array.of(0x2e, 0x2e);
const NO_NODE = 0 as NodeId;
const NOTHING: ReadonlySet<number> = new Set();

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
    entry.generation = 0;
    if (
      this.#listDots(directory.ino, above, cookie, sink, entry) &&
      (lower < 0 || this.#listLower(lower, hidden, cookie, sink, entry))
    ) {
      for (const added of directory.addedAfter(cookie)) {
        if (!this.#listAdded(directory, added, sink, entry)) return;
      }
    }
  }

  /** The same for a directory that only the tree has. Inodes in it may have been changed under other names. */
  listPristine(lower: number, cookie: number, sink: DirectorySink, entry: Entry): void {
    entry.generation = 0;
    const above = this.#tree.parentOf(lower) + 1;
    if (this.#listDots(lower + 1, above, cookie, sink, entry)) {
      this.#listLower(lower, NOTHING, cookie, sink, entry);
    }
  }

  #listDots(ino: number, above: number, cookie: number, sink: DirectorySink, entry: Entry): boolean {
    entry.nodeId = NO_NODE;
    for (let dots = cookie + 1; dots <= 2; dots++) {
      entry.attr.ino = dots === 1 ? ino : above;
      entry.attr.mode = S_IFDIR;
      if (!sink.add(DOTS, 0, dots, dots, entry)) return false;
    }
    return true;
  }

  #listLower(
    lower: number,
    hidden: ReadonlySet<number>,
    cookie: number,
    sink: DirectorySink,
    entry: Entry,
  ): boolean {
    const tree = this.#tree;
    const first = tree.firstChild(lower);
    const end = first + tree.childCount(lower);
    for (let dentry = first + Math.max(0, cookie - 2); dentry < end; dentry++) {
      if (hidden.has(dentry)) continue;
      const child = tree.dentryInode(dentry);
      if (tree.isForbidden(child)) fillUnresolved(tree.modeOf(child), entry);
      else if (!this.#fill((child + 1) as NodeId, tree.modeOf(child), sink, entry)) continue;
      const start = tree.nameStart(dentry);
      if (!sink.add(tree.namePool, start, tree.nameEnd(dentry), 3 + dentry - first, entry)) return false;
      this.#count(entry, sink);
    }
    return true;
  }

  #listAdded(directory: DirectoryInode, added: AddedName, sink: DirectorySink, entry: Entry): boolean {
    const inode = this.#directories.resolve(directory, added);
    const name = bytesOf(added.name);
    if (typeof inode === 'number') {
      // Another program removed it from the upper.
      if (inode === -ENOENT) return true;
      fillUnresolved(added.isDirectory ? S_IFDIR : S_IFREG, entry);
      return sink.add(name, 0, name.length, added.cookie, entry);
    }
    if (!this.#fill(inode.nodeId, inode.type, sink, entry)) return true;
    if (!sink.add(name, 0, name.length, added.cookie, entry)) return false;
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
