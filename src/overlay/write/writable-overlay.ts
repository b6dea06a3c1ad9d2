// WritableOverlay: the file system of a Tree with an Upper.
//
// The tree's table answers for everything that only the tree has, as in a mount without an upper. For the rest this class finds
// the inode, and calls the operation in its file. Only operations that copy bytes or sync wait.
import { closeSync, constants } from 'node:fs';
import { readlinkAt } from '../../sys/upper-calls.ts';
import type { Tree } from '../../tree/tree.ts';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import type { BlobReader, ReadResult } from '../../vfs/blob-reader.ts';
import { EINVAL, EISDIR, ENAMETOOLONG, ENODATA, ENOENT, ENOTDIR, EPERM, ESTALE } from '../../vfs/errno.ts';
import {
  type DirectorySink,
  type Entry,
  type MaybePromise,
  type NodeId,
  ROOT_NODE_ID,
  type StatFs,
  type Status,
  type WritableFileSystem,
} from '../../vfs/filesystem.ts';
import { NAME_MAX } from '../../vfs/names.ts';
import type { AttrChanges, Call, NewInode, OpenFile } from '../../vfs/operation.ts';
import { answerTableOf } from '../read/answer-table.ts';
import { andThen } from './and-then.ts';
import { answerMade, makeInode, makeTmpfile } from './create.ts';
import { changeFlags, readFlags } from './flags.ts';
import { link } from './link.ts';
import type { NewFile } from './make-file.ts';
import { adoptOpen, allocate, copyRange, openFile, readFile, seek, writeBytes } from './open-files.ts';
import { type OverlayState, openOverlayState } from './overlay-state.ts';
import { recover } from '../recovery/recover.ts';
import { rmdir, unlink } from './remove.ts';
import { rename } from './rename.ts';
import { missingXattr } from '../read/selinux-labels.ts';
import { setAttributes } from './set-attributes.ts';
import { type SyntheticSources, SyntheticXattrs, isWritten } from '../read/synthetic-xattrs.ts';
import { readStatFs } from '../upper/stat-fs.ts';
import type { Upper } from '../upper/upper.ts';
import { syncInode } from './sync.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from './xattrs.ts';

const DOT = 0x2e;
const O_ACCMODE = 3;

export interface WritableOverlayOptions extends SyntheticSources {
  readonly tree: Tree;
  /** One per layer, base first. Their opener closes them, after `close` here. */
  readonly readers: readonly BlobReader[];
  /** Closed by `close`. */
  readonly upper: Upper;
  /** True: the kernel will use W/index again, over the same lower file system: it stays as it is. */
  readonly keepsIndex?: boolean | undefined;
}

export class WritableOverlay implements WritableFileSystem {
  readonly isReadOnly = false;
  readonly hasPosixAcl = true;
  readonly answerTable: AnswerTable;
  readonly #tree: Tree;
  readonly #state: OverlayState;
  readonly #synthetic: SyntheticXattrs;
  readonly #listed: Entry = { nodeId: ROOT_NODE_ID, generation: 0, attr: new Attr() };

  private constructor(state: OverlayState, readers: readonly BlobReader[], sources: SyntheticSources) {
    const { tree, inodes, directories, upperRows, countsLinks } = state;
    this.#tree = tree;
    this.#state = state;
    this.#synthetic = new SyntheticXattrs(tree, sources);
    this.answerTable = answerTableOf(tree, readers, {
      opens: inodes.opens,
      upperRows: upperRows.numbers,
      hidden: directories.hiddenDentries,
      countsLinks,
    });
  }

  /** InputError where recovery fails; then `upper` stays the caller's. */
  static open({
    tree,
    readers,
    upper,
    keepsIndex = false,
    ...sources
  }: WritableOverlayOptions): WritableOverlay {
    const state = openOverlayState(tree, readers, upper);
    recover(state, state.root, { keepsIndex });
    return new WritableOverlay(state, readers, sources);
  }

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    if (name[0] === DOT && name.length === 1) return this.#answer(parent, out);
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    if (name[0] === DOT && name[1] === DOT && name.length === 2) return this.#answerParent(parent, out);
    if (this.#state.directories.isPristine(parent)) return this.#lookupPristine(parent - 1, name, out);
    const directory = this.#state.directories.get(parent);
    if (typeof directory === 'number') return directory;
    const node = this.#state.directories.find(directory, name);
    return node < 0 ? node : this.#answer(node as NodeId, out);
  }

  #lookupPristine(lower: number, name: Uint8Array, out: Entry): Status {
    if (!this.#tree.isDirectory(lower)) return -ENOTDIR;
    const child = this.#tree.lookup(lower, name);
    if (child < 0) return -ENOENT;
    return this.#tree.isForbidden(child) ? -EPERM : this.#answer((child + 1) as NodeId, out);
  }

  #answerParent(node: NodeId, out: Entry): Status {
    const directory = this.#state.directories.get(node);
    if (typeof directory === 'number') return directory;
    return this.#answer((directory.parent ?? directory).nodeId, out);
  }

  /** Fills `out` with a node, which counts as a lookup. */
  #answer(node: NodeId, out: Entry): Status {
    const status = this.#state.directories.readAttr(node, out.attr);
    if (status < 0) return status;
    out.nodeId = node;
    out.generation = 0;
    this.#state.inodes.get(node)?.countLookup();
    return 0;
  }

  forget(node: NodeId, count: number): void {
    this.#state.inodes.forget(node, count);
  }

  getattr(node: NodeId, out: Attr): Status {
    return this.#state.directories.readAttr(node, out);
  }

  readlink(node: NodeId): Uint8Array | number {
    const inode = this.#state.inodes.get(node);
    if (inode === undefined && !this.#state.directories.isPristine(node)) return -ESTALE;
    const lower = inode === undefined ? node - 1 : inode.lower;
    const type = inode === undefined ? this.#tree.modeOf(lower) & S_IFMT : inode.type;
    if (type !== S_IFLNK) return -EINVAL;
    if (inode === undefined || !inode.hasUpper) return this.#tree.readlink(lower);
    const place = this.#state.upper.placeOf(inode);
    return typeof place === 'number' ? place : readlinkAt(place.dir, place.name);
  }

  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult> {
    const inode = this.#state.inodes.get(node);
    if (inode !== undefined) return readFile(this.#state, inode, offset, length);
    if (!this.#state.directories.isPristine(node)) return -ESTALE;
    const type = this.#tree.modeOf(node - 1) & S_IFMT;
    if (type === S_IFREG) return this.#state.content.read(node - 1, offset, length);
    return type === S_IFDIR ? -EISDIR : -EINVAL;
  }

  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status {
    if (this.#state.directories.isPristine(node)) {
      if (!this.#tree.isDirectory(node - 1)) return -ENOTDIR;
      this.#state.listing.listPristine(node - 1, cookie, sink, this.#listed);
      return 0;
    }
    const directory = this.#state.directories.get(node);
    if (typeof directory === 'number') return directory;
    if (cookie === 0) this.#state.upper.countListing(directory);
    this.#state.listing.list(directory, cookie, sink, this.#listed);
    return 0;
  }

  seek(node: NodeId, offset: number, whence: number): number {
    if (this.#state.directories.isPristine(node) && (this.#tree.modeOf(node - 1) & S_IFMT) === S_IFREG) {
      return this.#state.content.seek(node - 1, offset, whence);
    }
    const inode = this.#state.directories.getInode(node);
    return typeof inode === 'number' ? inode : seek(this.#state, inode, offset, whence);
  }

  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number {
    const inode = this.#state.inodes.get(node);
    if (inode === undefined && !this.#state.directories.isPristine(node)) return -ESTALE;
    const lower = inode === undefined ? node - 1 : inode.lower;
    const own = this.#synthetic.find(lower, name, inode !== undefined && isWritten(inode));
    if (own !== undefined) return own;
    const value =
      inode === undefined
        ? (this.#tree.getxattr(lower, name) ?? -ENODATA)
        : getXattr(this.#state, inode, name);
    return value === -ENODATA ? missingXattr(name, this.answerTable.unsupportedXattr) : value;
  }

  listxattr(node: NodeId): Uint8Array | number {
    const inode = this.#state.inodes.get(node);
    if (inode !== undefined) return listXattrs(this.#state, inode);
    return this.#state.directories.isPristine(node) ? this.#tree.listxattr(node - 1) : -ESTALE;
  }

  /** The numbers of the upper's file system, which stores everything that is written. */
  statfs(out: StatFs): Status {
    return readStatFs(this.#state.upper.upperFd, out);
  }

  takeChangedNodes(): readonly NodeId[] {
    return this.#state.changed.take();
  }

  onChangedNodes(listener: () => void): void {
    this.#state.changed.onReport(listener);
  }

  setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status> {
    const inode = this.#state.directories.getInode(node);
    if (typeof inode === 'number') return inode;
    return andThen(setAttributes(this.#state, inode, changes, call), () => this.getattr(node, out));
  }

  mknod(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): Status {
    return this.#make(parent, name, inode, call, out);
  }

  mkdir(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): Status {
    return this.#make(parent, name, { ...inode, mode: S_IFDIR | (inode.mode & 0o7777) }, call, out);
  }

  symlink(
    parent: NodeId,
    name: Uint8Array,
    target: Uint8Array,
    inode: NewInode,
    call: Call,
    out: Entry,
  ): Status {
    return this.#make(parent, name, { ...inode, mode: S_IFLNK | 0o777, target }, call, out);
  }

  #make(parent: NodeId, name: Uint8Array, file: NewFile, call: Call, out: Entry): Status {
    const directory = this.#state.directories.get(parent);
    if (typeof directory === 'number') return directory;
    const created = makeInode(this.#state, directory, name, file, call);
    if (typeof created === 'number') return created;
    if (created.fd >= 0) closeSync(created.fd);
    return answerMade(this.#state, created, out);
  }

  link(node: NodeId, parent: NodeId, name: Uint8Array, call: Call, out: Entry): MaybePromise<Status> {
    const inode = this.#state.directories.getInode(node);
    if (typeof inode === 'number') return inode;
    const directory = this.#state.directories.get(parent);
    if (typeof directory === 'number') return directory;
    return andThen(link(this.#state, inode, directory, name, call), () => this.#answer(node, out));
  }

  unlink(parent: NodeId, name: Uint8Array): Status {
    const directory = this.#state.directories.get(parent);
    return typeof directory === 'number' ? directory : unlink(this.#state, directory, name);
  }

  rmdir(parent: NodeId, name: Uint8Array): Status {
    const directory = this.#state.directories.get(parent);
    return typeof directory === 'number' ? directory : rmdir(this.#state, directory, name);
  }

  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
    call: Call,
  ): MaybePromise<Status> {
    const from = this.#state.directories.get(parent);
    if (typeof from === 'number') return from;
    const to = this.#state.directories.get(newParent);
    if (typeof to === 'number') return to;
    return rename(this.#state, from, name, to, newName, flags, call);
  }

  open(
    node: NodeId,
    flags: number,
    killsPrivileges: boolean,
    call: Call,
    out: OpenFile,
  ): MaybePromise<Status> {
    if (this.#state.directories.isPristine(node) && (flags & (O_ACCMODE | constants.O_TRUNC)) === 0) {
      if ((this.#tree.modeOf(node - 1) & S_IFMT) !== S_IFREG) return -EINVAL;
      out.backingFd = -1;
      out.wasOpen = this.#state.inodes.isOpen(node);
      this.#state.inodes.countOpen(node);
      return 0;
    }
    const inode = this.#state.directories.getInode(node);
    if (typeof inode === 'number') return inode;
    return openFile(this.#state, inode, flags, killsPrivileges, call, out);
  }

  create(
    parent: NodeId,
    name: Uint8Array,
    _flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): Status {
    const directory = this.#state.directories.get(parent);
    if (typeof directory === 'number') return directory;
    const newFile = { mode: S_IFREG | (inode.mode & 0o7777), umask: inode.umask, rdev: inode.rdev };
    const created = makeInode(this.#state, directory, name, newFile, call);
    if (typeof created === 'number') return created;
    adoptOpen(this.#state, created.inode, created.fd, newFile.mode, file);
    return answerMade(this.#state, created, out);
  }

  tmpfile(parent: NodeId, _flags: number, inode: NewInode, call: Call, out: Entry, file: OpenFile): Status {
    const directory = this.#state.directories.get(parent);
    if (typeof directory === 'number') return directory;
    const created = makeTmpfile(this.#state, directory, inode, call);
    if (typeof created === 'number') return created;
    adoptOpen(this.#state, created.inode, created.fd, inode.mode, file);
    return answerMade(this.#state, created, out);
  }

  release(node: NodeId): void {
    this.#state.inodes.countRelease(node);
  }

  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): number {
    const inode = this.#state.inodes.get(node);
    return inode === undefined ? -ESTALE : writeBytes(this.#state, inode, offset, bytes, killer);
  }

  /** Does nothing for an inode that only the tree has. */
  fsync(node: NodeId, isDataOnly: boolean): MaybePromise<Status> {
    const inode = this.#state.inodes.get(node);
    return inode === undefined ? 0 : syncInode(this.#state, inode, isDataOnly);
  }

  fallocate(node: NodeId, mode: number, offset: number, length: number, call: Call): MaybePromise<Status> {
    const inode = this.#state.directories.getInode(node);
    return typeof inode === 'number' ? inode : allocate(this.#state, inode, mode, offset, length, call);
  }

  copyFileRange(
    from: NodeId,
    fromOffset: number,
    to: NodeId,
    toOffset: number,
    length: number,
  ): MaybePromise<number> {
    const target = this.#state.inodes.get(to);
    if (target === undefined) return -ESTALE;
    const source = this.#state.inodes.get(from);
    return copyRange(this.#state, source, from, fromOffset, target, toOffset, length);
  }

  setxattr(
    node: NodeId,
    name: Uint8Array,
    value: Uint8Array,
    flags: number,
    dropsSetgid: boolean,
    call: Call,
  ): MaybePromise<Status> {
    if (this.#synthetic.owns(name)) return -EPERM;
    const inode = this.#state.directories.getInode(node);
    if (typeof inode === 'number') return inode;
    return setXattr(this.#state, inode, name, value, flags, dropsSetgid, call);
  }

  removexattr(node: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    if (this.#synthetic.owns(name)) return -EPERM;
    const inode = this.#state.directories.getInode(node);
    return typeof inode === 'number' ? inode : removeXattr(this.#state, inode, name, call);
  }

  getFlags(node: NodeId): number {
    const inode = this.#state.inodes.get(node);
    if (inode !== undefined) return readFlags(this.#state, inode);
    return this.#state.directories.isPristine(node) ? this.#tree.protectionOf(node - 1) : -ESTALE;
  }

  setFlags(node: NodeId, flags: number, call: Call): MaybePromise<Status> {
    const inode = this.#state.directories.getInode(node);
    return typeof inode === 'number' ? inode : changeFlags(this.#state, inode, flags, call);
  }

  async close(): Promise<void> {
    await this.#state.close();
  }
}
