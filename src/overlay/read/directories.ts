// Directories: the names in a directory of the mount: the tree's names except hidden ones, and names that the upper adds.
//
// A directory with an upper directory is loaded when it is first used: its names are read then. A name is resolved to an inode
// (resolve.ts) when it is first looked up, or at once if the tree has the same name.
import type { Tree } from '../../tree/tree.ts';
import { NO_NAME, DT_CHR, DT_DIR, DT_UNKNOWN, listNames } from '../../sys/upper-calls.ts';
import { unpackNames } from '../../sys/packed-names.ts';
import { type Attr, S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { EACCES, ENOENT, ENOTDIR, EPERM, ESTALE } from '../../vfs/errno.ts';
import { type NodeId, ROOT_NODE_ID, type Status } from '../../vfs/filesystem.ts';
import { hiddenNames } from '../upper/aufs-form.ts';
import type { Attributes } from './attributes.ts';
import type { ChangedAttributes } from './changed-attributes.ts';
import { type AddedName, DirectoryInode } from './directory-inode.ts';
import type { Inode } from './inode.ts';
import type { Inodes } from './inodes.ts';
import type { LostNames } from './lost-names.ts';
import type { Resolver } from './resolve.ts';
import { withOwnerBits } from '../upper/owner-access.ts';
import type { Upper } from '../upper/upper.ts';
import type { UpperRows } from './upper-rows.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';

const S_IRWXU = 0o700;

export class Directories {
  readonly #tree: Tree;
  readonly #upper: Upper;
  readonly #inodes: Inodes;
  readonly #resolver: Resolver;
  readonly #attributes: Attributes;
  readonly #changed: ChangedAttributes;
  readonly #upperRows: UpperRows;
  readonly #lostNames: LostNames | undefined;
  /** By dentry of the tree: 1 if it is hidden, for native code, which then leaves the name to this class. */
  readonly hiddenDentries: Uint8Array;
  /** True once every upper directory has an object. */
  #isAllFound = false;

  /** @param lostNames undefined if the upper was empty when it was mounted */
  constructor(
    tree: Tree,
    upper: Upper,
    inodes: Inodes,
    resolver: Resolver,
    attributes: Attributes,
    changed: ChangedAttributes,
    upperRows: UpperRows,
    lostNames: LostNames | undefined,
  ) {
    this.#tree = tree;
    this.hiddenDentries = new Uint8Array(tree.dentryCount);
    this.#upper = upper;
    this.#inodes = inodes;
    this.#resolver = resolver;
    this.#attributes = attributes;
    this.#changed = changed;
    this.#upperRows = upperRows;
    this.#lostNames = lostNames;
  }

  /** The loaded directory of a node, which gets an object if only the tree had it; or a negative errno. */
  get(node: NodeId): DirectoryInode | number {
    const existing = this.#inodes.get(node);
    if (existing === undefined) {
      if (!this.isPristine(node)) return -ESTALE;
      return this.#tree.isDirectory(node - 1) ? this.getLower(node - 1) : -ENOTDIR;
    }
    if (!(existing instanceof DirectoryInode)) return -ENOTDIR;
    const status = this.load(existing);
    return status < 0 ? status : existing;
  }

  /** The same for a directory of the tree, wherever it was moved to; -ENOENT if it does not show. */
  getLower(lower: number): DirectoryInode | number {
    const existing = this.#inodes.get((lower + 1) as NodeId);
    if (existing instanceof DirectoryInode) {
      const status = this.load(existing);
      return status < 0 ? status : existing;
    }
    const parent = this.getLower(this.#tree.parentOf(lower));
    if (typeof parent === 'number' && parent !== -ENOENT) return parent;
    // Loading the parent may have created the object, if the upper has the directory.
    if (this.#inodes.get((lower + 1) as NodeId) !== undefined) return this.getLower(lower);
    if (typeof parent !== 'number' && !parent.isRemoved && !this.#hides(parent, lower)) {
      return this.#inodes.addDirectory(lower, 0, parent, this.#resolver.nameOf(lower));
    }
    if (this.#isAllFound) return -ENOENT;
    const status = this.#findAll();
    return status < 0 ? status : this.getLower(lower);
  }

  #hides(parent: DirectoryInode, lower: number): boolean {
    return parent.hidden.size > 0 && parent.hidden.has(this.#resolver.dentryOf(lower));
  }

  /** Gives every upper directory its object: an earlier mount may have moved a tree's directory to any of them. */
  #findAll(): Status {
    const pending = [this.#inodes.get(ROOT_NODE_ID) as DirectoryInode];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const status = this.load(directory);
      if (status < 0) return status;
      for (const child of this.#upperDirectories(directory)) pending.push(child);
    }
    this.#isAllFound = true;
    return 0;
  }

  *#upperDirectories(directory: DirectoryInode): Generator<DirectoryInode> {
    for (const added of directory.added.values()) {
      const inode = added.isDirectory ? this.resolve(directory, added) : undefined;
      if (inode instanceof DirectoryInode) yield inode;
    }
    for (const inode of this.#changedLower(directory)) {
      if (inode instanceof DirectoryInode && inode.hasUpperDirectory) yield inode;
    }
  }

  /** Reads the names of the upper directory, if there is one, once. */
  load(directory: DirectoryInode): Status {
    if (directory.isLoaded) return 0;
    const fd = this.#upper.directoryFd(directory);
    if (fd < 0) return fd;
    const load = (): Status => this.#loadNames(directory, fd);
    if (this.#upper.isPrivileged || this.#hasOwnerBits(fd)) return load();
    // The mode is changed during the read, which moves ctime. Only then is the node reported as changed: the kernel drops the
    // attributes of such a node even if they are just being answered, and without any it denies the owner access to the root.
    this.#changed.add(directory);
    return withOwnerBits(fd, NO_NAME, -EACCES, load);
  }

  #hasOwnerBits(fd: number): boolean {
    const stat = this.#upper.statStoredAt(fd, NO_NAME);
    return typeof stat !== 'number' && (stat.mode & S_IRWXU) === S_IRWXU;
  }

  #loadNames(directory: DirectoryInode, fd: number): Status {
    const names = listNames(fd);
    if (typeof names === 'number') return names;
    directory.isLoaded = true;
    for (const { type, name } of unpackNames(names)) {
      if (this.#upper.names.isReserved(name)) directory.aufsNames.add(latin1Of(name));
      else this.#loadName(directory, name, type);
    }
    for (const name of hiddenNames(directory.aufsNames)) {
      const bytes = bytesOf(name);
      const dentry = this.lowerDentry(directory, bytes);
      // It hides the name in lower layers, not the one in the same directory.
      if (dentry >= 0 && this.#upper.statStoredAt(fd, bytes) === -ENOENT) this.hide(directory, dentry);
    }
    return 0;
  }

  #loadName(directory: DirectoryInode, bytes: Buffer, type: number): void {
    const name = latin1Of(bytes);
    const dentry = directory.lower < 0 ? -1 : this.#tree.findDentry(directory.lower, bytes);
    const isKnownNode = type !== DT_CHR && type !== DT_UNKNOWN && !directory.hasXattrWhiteouts;
    if (!isKnownNode && this.#resolver.isWhiteout(directory, bytes)) {
      directory.whiteouts.add(name);
      if (dentry >= 0) this.hide(directory, dentry);
      return;
    }
    if (dentry < 0) {
      directory.add(name, this.#isDirectory(directory, bytes, type), undefined);
      return;
    }
    const lower = this.#tree.dentryInode(dentry);
    const inode = this.#resolver.resolve(directory, name, lower);
    if (typeof inode !== 'number' && inode.lower === lower) return;
    // A file that can't be resolved hides the lower name too. A lookup reports the error.
    this.hide(directory, dentry);
    if (typeof inode !== 'number') directory.add(name, inode instanceof DirectoryInode, inode);
    else if (inode !== -ENOENT) directory.add(name, this.#isDirectory(directory, bytes, type), undefined);
  }

  #isDirectory(directory: DirectoryInode, name: Buffer, type: number): boolean {
    if (type !== DT_UNKNOWN) return type === DT_DIR;
    const fd = this.#upper.directoryFd(directory);
    const stat = fd < 0 ? fd : this.#upper.statStoredAt(fd, name);
    return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFDIR;
  }

  hide(directory: DirectoryInode, dentry: number): void {
    this.hiddenDentries[dentry] = 1;
    directory.hide(dentry, this.#tree.isDirectory(this.#tree.dentryInode(dentry)));
  }

  /** True if the name must be hidden by a whiteout once the upper has no file of it: an opaque directory hides all of the tree's. */
  needsWhiteout(directory: DirectoryInode, name: Uint8Array): boolean {
    return !directory.isOpaque && this.lowerDentry(directory, name) >= 0;
  }

  /** The tree's dentry of a name, shown or hidden; -1 if the tree has none. */
  lowerDentry(directory: DirectoryInode, name: Uint8Array): number {
    return directory.lower < 0 ? -1 : this.#tree.findDentry(directory.lower, name);
  }

  /** The node of a name in a loaded directory, or a negative errno. */
  find(directory: DirectoryInode, name: Uint8Array): number {
    if (directory.added.size > 0) {
      const added = directory.added.get(latin1Of(name));
      if (added !== undefined) return this.#find(directory, added);
    }
    const dentry = this.lowerDentry(directory, name);
    if (dentry < 0 || directory.hidden.has(dentry)) return -ENOENT;
    const lower = this.#tree.dentryInode(dentry);
    return this.#tree.isForbidden(lower) ? -EPERM : lower + 1;
  }

  #find(directory: DirectoryInode, added: AddedName): number {
    const inode = this.resolve(directory, added);
    return typeof inode === 'number' ? inode : inode.nodeId;
  }

  /** The inode of an added name, or a negative errno. */
  resolve(directory: DirectoryInode, added: AddedName): Inode | number {
    if (added.inode !== undefined) return added.inode;
    const inode = this.#resolver.resolve(directory, added.name, -1);
    if (typeof inode !== 'number') added.inode = inode;
    return inode;
  }

  /** The inode of a node, which gets an object if only the tree had it. */
  getInode(node: NodeId): Inode | number {
    const existing = this.#inodes.get(node);
    if (existing !== undefined) return existing;
    if (!this.isPristine(node)) return -ESTALE;
    return this.#tree.isDirectory(node - 1) ? this.getLower(node - 1) : this.#inodes.getLower(node - 1);
  }

  /** True if the tree alone answers for a node. */
  isPristine(node: NodeId): boolean {
    return node >= 1 && node <= this.#tree.inodeCount && this.#tree.isPristine(node - 1);
  }

  readAttr(node: NodeId, out: Attr): Status {
    if (node <= this.#tree.inodeCount) this.#lostNames?.count(node - 1);
    if (this.isPristine(node)) {
      this.#attributes.readLower(node - 1, out);
      return 0;
    }
    const inode = this.#inodes.get(node);
    if (inode === undefined) return -ESTALE;
    if (inode instanceof DirectoryInode && inode.lower >= 0) {
      const status = this.load(inode);
      if (status < 0) return status;
    }
    const status = this.#attributes.read(inode, out);
    if (status === 0 && inode instanceof DirectoryInode) this.#addRow(inode, out.nlink);
    return status;
  }

  /** From now on native code answers for the directory where it can. */
  #addRow(directory: DirectoryInode, nlink: number): void {
    if (!directory.hasUpperDirectory || directory.isRemoved || !this.#upper.owners.areStored) return;
    const fd = this.#upper.directoryFd(directory);
    if (fd >= 0) this.#upperRows.addDirectory(directory, fd, nlink);
  }

  /** The inodes in a loaded directory that have objects. Added names are resolved. */
  *upperInodes(directory: DirectoryInode): Generator<Inode> {
    for (const added of directory.added.values()) {
      const inode = this.resolve(directory, added);
      if (typeof inode !== 'number') yield inode;
    }
    yield* this.#changedLower(directory);
  }

  /** The same for the names that the tree has. */
  *#changedLower(directory: DirectoryInode): Generator<Inode> {
    if (directory.lower < 0) return;
    const first = this.#tree.firstChild(directory.lower);
    const end = first + this.#tree.childCount(directory.lower);
    for (let dentry = first; dentry < end; dentry++) {
      const child = this.#tree.dentryInode(dentry);
      if (directory.hidden.has(dentry) || this.#tree.isPristine(child)) continue;
      const inode = this.#inodes.get((child + 1) as NodeId);
      if (inode !== undefined) yield inode;
    }
  }

  /** True if a loaded directory shows no names. */
  isEmpty(directory: DirectoryInode): boolean {
    const lowerCount = directory.lower < 0 ? 0 : this.#tree.childCount(directory.lower);
    return directory.added.size === 0 && directory.hidden.size === lowerCount;
  }
}
