// Inodes: the table of all inodes that the tree alone does not answer for.
//
// An inode of the tree gets an object, and is no longer `pristine`, when something about it changes. An inode that only the
// upper has gets an object when it is looked up. An object is dropped when the kernel has forgotten it and nothing needs it.
import { closeSync } from 'node:fs';
import type { Tree } from '../../tree/tree.ts';
import { S_IFMT } from '../../vfs/attr.ts';
import type { NodeId } from '../../vfs/filesystem.ts';
import { DirectoryInode } from './directory-inode.ts';
import { Inode, type UpperName, UPPER_DATA } from './inode.ts';
import type { Upper } from '../upper/upper.ts';
import type { UpperRows } from './upper-rows.ts';

export class Inodes {
  readonly #tree: Tree;
  readonly #upper: Upper;
  readonly #upperRows: UpperRows;
  readonly #byNodeId = new Map<NodeId, Inode>();
  /** Inodes that may have several names in the upper, by the upper's inode number. */
  readonly #byUpperIno = new Map<number, Inode>();
  /** Number of opens of the tree's inodes, by inode. Native code counts here while an inode is pristine. */
  readonly opens: Uint32Array;
  /** Number of opens of the other inodes; entries are above 0. */
  readonly #upperOpens = new Map<NodeId, number>();
  #lastNodeId: number;

  /** @param upperRows the row of an inode is removed before its descriptors are closed */
  constructor(tree: Tree, upper: Upper, upperRows: UpperRows) {
    this.#tree = tree;
    this.#upper = upper;
    this.#upperRows = upperRows;
    this.#lastNodeId = tree.inodeCount;
    this.opens = new Uint32Array(tree.inodeCount);
  }

  get(node: NodeId): Inode | undefined {
    return this.#byNodeId.get(node);
  }

  findUpper(upperIno: number): Inode | undefined {
    return this.#byUpperIno.get(upperIno);
  }

  /** The object, created if needed, of an inode of the tree that is not a directory. */
  getLower(lower: number): Inode {
    const nodeId = (lower + 1) as NodeId;
    const existing = this.#byNodeId.get(nodeId);
    if (existing !== undefined) return existing;
    const inode = new Inode(nodeId, nodeId, this.#tree.modeOf(lower) & S_IFMT, lower);
    inode.protection = this.#tree.protectionOf(lower);
    this.#take(inode);
    return inode;
  }

  /** Adds an inode that only the upper has. */
  addUpper(type: number, upperIno: number): Inode {
    const inode = new Inode(this.#newNodeId(), this.#inoOf(upperIno), type, -1);
    inode.upperIno = upperIno;
    inode.dataInode = UPPER_DATA;
    this.#take(inode);
    return inode;
  }

  /** Adds a directory; `lower` is -1 if only the upper has it. */
  addDirectory(
    lower: number,
    upperIno: number,
    parent: DirectoryInode | undefined,
    name: string,
  ): DirectoryInode {
    const nodeId = lower < 0 ? this.#newNodeId() : ((lower + 1) as NodeId);
    const ino = lower < 0 ? this.#inoOf(upperIno) : nodeId;
    const childCount = lower < 0 ? 0 : this.#tree.childCount(lower);
    const directory = new DirectoryInode(nodeId, ino, lower, parent, name, childCount);
    directory.upperIno = upperIno;
    if (lower >= 0) directory.protection = this.#tree.protectionOf(lower);
    this.#take(directory);
    return directory;
  }

  /** Adds a name that `inode` has in the upper. */
  addName(inode: Inode, name: UpperName, upperIno: number): void {
    inode.upperNames.push(name);
    this.addCopy(inode, upperIno);
  }

  /** Adds the upper's copy of `inode`; its names are not known yet. */
  addCopy(inode: Inode, upperIno: number): void {
    inode.upperIno = upperIno;
    this.#byUpperIno.set(upperIno, inode);
  }

  /** Removes a name in the upper. */
  removeName(inode: Inode, directory: DirectoryInode, name: string): void {
    const at = inode.upperNames.findIndex((each) => each.directory === directory && each.name === name);
    if (at >= 0) inode.upperNames.splice(at, 1);
  }

  countOpen(node: NodeId): void {
    this.#setOpens(node, this.#opensOf(node) + 1);
  }

  isOpen(node: NodeId): boolean {
    return this.#opensOf(node) > 0;
  }

  /** Undoes one `countOpen`, if any. The last one closes the descriptors. */
  countRelease(node: NodeId): void {
    const count = this.#opensOf(node);
    if (count === 0) return;
    this.#setOpens(node, count - 1);
    if (count > 1) return;
    const inode = this.#byNodeId.get(node);
    if (inode === undefined) return;
    this.#upperRows.remove(inode);
    closeFiles(inode);
    this.dropIfUnused(inode);
  }

  /** Closes the descriptors of an inode that is not open. */
  closeUnopened(inode: Inode): void {
    if (!this.isOpen(inode.nodeId)) closeFiles(inode);
  }

  forget(node: NodeId, count: number): void {
    const inode = this.#byNodeId.get(node);
    if (inode === undefined) return;
    inode.lookups -= count;
    inode.isForgotten = inode.lookups <= 0;
    this.dropIfUnused(inode);
  }

  /** The copies under way. */
  copies(): Promise<unknown>[] {
    return [...this.#byNodeId.values()].flatMap(({ copying }) => copying?.done ?? []);
  }

  /** Closes every descriptor. */
  close(): void {
    this.#upperRows.removeAll();
    for (const inode of this.#byNodeId.values()) {
      closeFiles(inode);
      if (inode.upperFd >= 0) closeSync(inode.upperFd);
      inode.upperFd = -1;
    }
  }

  /** Keeps directories, because they hold what the mount hides and adds; and inodes of the tree that still show. */
  dropIfUnused(inode: Inode): void {
    if (!inode.isForgotten || this.isOpen(inode.nodeId) || inode.copying !== undefined) return;
    if (inode.sharedEntry !== undefined) return;
    if (inode instanceof DirectoryInode) {
      if (inode.isRemoved) this.#drop(inode);
    } else if (inode.upperNames.length === 0) {
      if (inode.upperFd >= 0 || inode.lostNames > 0) this.#dropNameless(inode);
    } else if (inode.lower < 0) {
      for (const { directory, name } of inode.upperNames) directory.dropInode(name);
      this.#drop(inode);
    }
  }

  /** Keeps a lower inode that has lost only some of its names. */
  #dropNameless(inode: Inode): void {
    if (inode.hasUpper || inode.lostNames >= this.#tree.linkCountOf(inode.lower)) this.#drop(inode);
  }

  #drop(inode: Inode): void {
    if (inode.upperFd >= 0) closeSync(inode.upperFd);
    inode.upperFd = -1;
    if (inode instanceof DirectoryInode) this.#upper.forgetDirectory(inode);
    this.#byNodeId.delete(inode.nodeId);
    if (this.#byUpperIno.get(inode.upperIno) === inode) this.#byUpperIno.delete(inode.upperIno);
  }

  #take(inode: Inode): void {
    this.#byNodeId.set(inode.nodeId, inode);
    if (inode.lower >= 0) this.#tree.clearPristine(inode.lower);
  }

  #opensOf(node: NodeId): number {
    return this.opens[node - 1] ?? this.#upperOpens.get(node) ?? 0;
  }

  #setOpens(node: NodeId, count: number): void {
    if (node <= this.opens.length) this.opens[node - 1] = count;
    else if (count > 0) this.#upperOpens.set(node, count);
    else this.#upperOpens.delete(node);
  }

  #newNodeId(): NodeId {
    return ++this.#lastNodeId as NodeId;
  }

  /** Above all numbers of the tree, so that no two inodes of the mount have the same number. */
  #inoOf(upperIno: number): number {
    return this.#tree.inodeCount + 1 + upperIno;
  }
}

function closeFiles(inode: Inode): void {
  if (inode.readFd >= 0) closeSync(inode.readFd);
  if (inode.writeFd >= 0 && inode.writeFd !== inode.readFd) closeSync(inode.writeFd);
  inode.readFd = -1;
  inode.writeFd = -1;
  inode.isAppendOnly = false;
}
