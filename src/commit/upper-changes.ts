// The changes that an upper directory makes to the image below it, as the entries of one more layer.
//
// The upper is read through the classes of the overlay, so that the layer shows what the mount shows: a moved directory, or a
// file of which the upper has only metadata, goes into the layer whole. A mount may use the upper meanwhile; `fingerprint`
// shows whether it wrote to it.
import { createHash } from 'node:crypto';
import { DirectoryInode } from '../overlay/read/directory-inode.ts';
import { visibleNames } from '../overlay/read/visible-names.ts';
import type { OverlayState } from '../overlay/write/overlay-state.ts';
import type { Inode } from '../overlay/read/inode.ts';
import { unfollowed } from '../tree/merge.ts';
import { Attr, S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { EPERM, ErrnoError, errnoName } from '../vfs/errno.ts';
import type { NodeId } from '../vfs/filesystem.ts';
import { InputError } from '../vfs/input-error.ts';
import { bytesOf } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { type LayerChange, inOrder, joinPath } from './layer-change.ts';

/** A directory to walk. */
interface Pending {
  readonly directory: DirectoryInode;
  readonly path: string;
  /** The tree's directory of the same path that lower layers show there; -1 if there is none. */
  readonly base: number;
}

export interface UpperChanges {
  /** In order. Inode numbers are the overlay's nodes. The root is always included. */
  readonly changes: readonly LayerChange[];
  /** A hash of names, inodes, times, sizes and modes: equal if the upper did not change. */
  readonly fingerprint: string;
  /** Bytes of regular files; each hard link counts. */
  readonly totalSize: number;
}

/** InputError if the upper can't be read. */
export function findUpperChanges(state: OverlayState): UpperChanges {
  return new UpperWalk(state).run();
}

class UpperWalk {
  readonly #state: OverlayState;
  readonly #found: LayerChange[] = [];
  readonly #pending: Pending[] = [];
  readonly #hash = createHash('sha256');
  readonly #attr = new Attr();
  #totalSize = 0;
  /** Nodes with several names, with the link count and the number of names found so far. */
  readonly #linked = new Map<NodeId, { readonly links: number; found: number }>();

  constructor(state: OverlayState) {
    this.#state = state;
  }

  run(): UpperChanges {
    const { root, directories } = this.#state;
    const status = directories.load(root);
    if (status < 0) throw this.#unreadable('', status);
    this.#take('', root.nodeId);
    this.#pending.push({ directory: root, path: '', base: 0 });
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) this.#visit(next);
    this.#addOtherNames();
    return {
      changes: inOrder(this.#found),
      fingerprint: this.#hash.digest('hex'),
      totalSize: this.#totalSize,
    };
  }

  #visit(pending: Pending): void {
    const { directory, path, base } = pending;
    const isMerged = base >= 0 && directory.lower === base;
    if (base >= 0 && !isMerged) this.#found.push({ kind: 'opaque', path });
    this.#visitLower(pending, isMerged);
    const names = [...directory.added.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const added of names) {
      const inode = this.#state.directories.resolve(directory, added);
      const child = joinPath(path, added.name);
      if (typeof inode === 'number') throw this.#unreadable(child, inode);
      const below = isMerged ? this.#state.tree.lookup(base, bytesOf(added.name)) : -1;
      this.#add(child, inode.nodeId, below);
    }
  }

  /** The names that a directory has from the tree. */
  #visitLower({ directory, path }: Pending, isMerged: boolean): void {
    if (directory.lower < 0) return;
    const { tree, directories } = this.#state;
    const first = tree.firstChild(directory.lower);
    const end = first + tree.childCount(directory.lower);
    for (let dentry = first; dentry < end; dentry++) {
      const name = tree.nameOf(dentry);
      const child = joinPath(path, name);
      if (directory.hidden.has(dentry)) {
        if (isMerged && !directory.added.has(name)) this.#found.push({ kind: 'whiteout', path: child });
        continue;
      }
      const inode = tree.dentryInode(dentry);
      const node = (inode + 1) as NodeId;
      if (!isMerged) this.#add(child, node, -1);
      else if (!directories.isPristine(node) && this.#hasUpper(node)) this.#add(child, node, inode);
    }
  }

  #hasUpper(node: NodeId): boolean {
    const inode = this.#state.inodes.get(node);
    return inode instanceof DirectoryInode ? inode.hasUpperDirectory : inode?.hasUpper === true;
  }

  /** `below`: the tree's inode of the same path, or -1. */
  #add(path: string, node: NodeId, below: number): void {
    const mode = this.#take(path, node);
    if ((mode & S_IFMT) !== S_IFDIR) return;
    const directory = this.#state.directories.get(node);
    if (typeof directory === 'number') throw this.#unreadable(path, directory);
    const base = below >= 0 && this.#state.tree.isDirectory(below) ? below : -1;
    this.#pending.push({ directory, path, base });
  }

  #take(path: string, node: NodeId): number {
    const attr = this.#attr;
    const status = this.#state.directories.readAttr(node, attr);
    if (status < 0) throw this.#unreadable(path, status);
    this.#found.push({ kind: 'inode', path, inode: node });
    if ((attr.mode & S_IFMT) === S_IFREG) this.#totalSize += attr.size;
    if ((attr.mode & S_IFMT) !== S_IFDIR && attr.nlink > 1) {
      const linked = this.#linked.get(node);
      if (linked === undefined) this.#linked.set(node, { links: attr.nlink, found: 1 });
      else linked.found++;
    }
    const { ino, mode, uid, gid, rdev, size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = attr;
    const stamp = [path, ino, mode, uid, gid, rdev, size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec];
    this.#hash.update(`${stamp.join('\0')}\0\0`, 'latin1');
    return attr.mode;
  }

  /** An inode in the layer goes into it under all its names, so that they stay hard links of each other. */
  #addOtherNames(): void {
    for (const [node, { links, found }] of this.#linked) {
      const lower = this.#state.inodes.get(node)?.lower ?? node - 1;
      if (found >= links || lower < 0) continue;
      const names = visibleNames(this.#state, lower);
      if (typeof names === 'number') throw new ErrnoError(names, 'getdents');
      for (const { directory, name } of names) {
        for (let above: DirectoryInode | undefined = directory; above !== undefined; above = above.parent) {
          this.#found.push({ kind: 'inode', path: pathOf(above), inode: above.nodeId });
        }
        this.#found.push({ kind: 'inode', path: joinPath(pathOf(directory), name), inode: node });
      }
    }
  }

  #unreadable(path: string, errno: number): InputError {
    const shown = showName(bytesOf(path));
    const { namespace } = this.#state.upper.marks;
    if (errno === -EPERM && namespace === 'user') return new InputError(unfollowed(shown));
    return new InputError(`/${shown}: can't be read in the upper: ${errnoName(errno)}`);
  }
}

function pathOf(directory: DirectoryInode): string {
  return directory.parent === undefined ? '' : joinPath(pathOf(directory.parent), directory.name);
}

/** True for an inode, not a directory, that has an upper file. */
export function isOfUpper(inode: Inode): boolean {
  return !(inode instanceof DirectoryInode) && inode.hasUpper;
}
