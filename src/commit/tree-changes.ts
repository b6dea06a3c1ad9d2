// TreeSource: the changes that the upper layers of an image make to its lower layers, as the entries of one layer that replaces
// them. It compares the merged tree with the tree of the layers that stay; if none stay, the layer holds the whole image.
import { TreeAttributes, differingAttributes } from '../inspect/attributes.ts';
import { describeMember } from '../inspect/export-tar.ts';
import { FileContent } from '../inspect/file-content.ts';
import { Extent, type Tree } from '../tree/tree.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { bytesOf } from '../vfs/names.ts';
import {
  type ChangeSource,
  type DescribedInode,
  type LayerChange,
  inOrder,
  joinPath,
} from './layer-change.ts';

const NO_NAME = new Uint8Array(0);

/** A directory of the merged tree, and the directory of the same path in the tree of the layers that stay, or -1. */
interface Pair {
  readonly path: string;
  readonly inode: number;
  readonly base: number;
}

export class TreeSource implements ChangeSource {
  readonly changes: readonly LayerChange[];
  readonly totalSize: number;
  readonly #tree: Tree;
  readonly #content: FileContent;

  /** `base`: the tree of the layers that stay, the lowest of `tree`; undefined if none stay. */
  constructor(tree: Tree, readers: readonly BlobReader[], base: Tree | undefined) {
    this.#tree = tree;
    this.#content = new FileContent(tree, readers);
    this.changes = new TreeWalk(tree, base).run();
    this.totalSize = this.changes.reduce(
      (sum, change) => sum + (change.kind === 'inode' ? sizeOf(tree, change.inode) : 0),
      0,
    );
  }

  describe(inode: number): DescribedInode {
    const isFile = (this.#tree.modeOf(inode) & S_IFMT) === S_IFREG;
    return describeMember(
      this.#tree,
      { inode, path: NO_NAME, linkTo: undefined },
      isFile ? this.#content.pieces(inode) : undefined,
    );
  }

  content(inode: number, { size, pieces }: DescribedInode): AsyncIterable<Uint8Array> {
    return this.#content.readPieces(inode, pieces ?? [[0, size]]);
  }
}

class TreeWalk {
  readonly #tree: Tree;
  readonly #base: Tree | undefined;
  readonly #found: LayerChange[] = [];
  readonly #pending: Pair[] = [];
  /** Inodes in the layer that have several names: each goes into the layer under all of them. */
  readonly #linked = new Set<number>();

  constructor(tree: Tree, base: Tree | undefined) {
    this.#tree = tree;
    this.#base = base;
  }

  run(): LayerChange[] {
    this.#compare('', 0, this.#base === undefined ? -1 : 0);
    for (let pair = this.#pending.pop(); pair !== undefined; pair = this.#pending.pop()) this.#visit(pair);
    if (this.#linked.size > 0 && this.#base !== undefined) this.#addOtherNames();
    return inOrder(this.#base === undefined ? this.#found : this.#withParents());
  }

  #visit({ path, inode, base }: Pair): void {
    for (const [name, child] of childrenOf(this.#tree, inode)) {
      const below = base < 0 || this.#base === undefined ? -1 : this.#base.lookup(base, bytesOf(name));
      this.#compare(joinPath(path, name), child, below);
    }
    if (base < 0 || this.#base === undefined) return;
    for (const [name] of childrenOf(this.#base, base)) {
      if (this.#tree.lookup(inode, bytesOf(name)) < 0) {
        this.#found.push({ kind: 'whiteout', path: joinPath(path, name) });
      }
    }
  }

  #compare(path: string, inode: number, base: number): void {
    const isDirectory = this.#tree.isDirectory(inode);
    const isMerged = isDirectory && base >= 0 && this.#base?.isDirectory(base) === true;
    if (!this.#isSame(inode, base)) {
      this.#found.push({ kind: 'inode', path, inode });
      if (!isDirectory && this.#tree.linkCountOf(inode) > 1) this.#linked.add(inode);
    }
    if (isDirectory) this.#pending.push({ path, inode, base: isMerged ? base : -1 });
  }

  #isSame(inode: number, base: number): boolean {
    if (base < 0 || this.#base === undefined) return false;
    const found = differingAttributes(
      new TreeAttributes(this.#tree, inode),
      new TreeAttributes(this.#base, base),
    );
    if (found.length > 0) return false;
    return (this.#tree.modeOf(inode) & S_IFMT) !== S_IFREG || this.#hasSameBytes(inode, this.#base, base);
  }

  /** True if the bytes of both are the same place of the same layer, or if both are empty. */
  #hasSameBytes(inode: number, other: Tree, base: number): boolean {
    const size = this.#tree.sizeOf(inode);
    const [a, b] = [new Extent(), new Extent()];
    for (let at = 0; at < size; at += a.length) {
      this.#tree.mapExtent(inode, at, size - at, a);
      other.mapExtent(base, at, size - at, b);
      if (a.layer !== b.layer || a.blobOffset !== b.blobOffset || a.length !== b.length) return false;
    }
    return true;
  }

  #addOtherNames(): void {
    const pending: Pair[] = [{ path: '', inode: 0, base: -1 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const [name, child] of childrenOf(this.#tree, next.inode)) {
        const path = joinPath(next.path, name);
        if (this.#tree.isDirectory(child)) pending.push({ path, inode: child, base: -1 });
        else if (this.#linked.has(child)) this.#found.push({ kind: 'inode', path, inode: child });
      }
    }
  }

  /** Adds the directories above each change: a program that extracts this layer alone would invent their attributes. */
  #withParents(): LayerChange[] {
    const all = new Map<string, LayerChange>();
    for (const change of this.#found) {
      let inode = 0;
      const parts = change.path.split('/').slice(0, -1);
      let path = '';
      for (const name of ['', ...parts]) {
        if (name !== '') {
          path = joinPath(path, name);
          inode = this.#tree.lookup(inode, bytesOf(name));
        }
        all.set(path, { kind: 'inode', path, inode });
      }
    }
    return [...all.values(), ...this.#found];
  }
}

function* childrenOf(tree: Tree, inode: number): Generator<[name: string, inode: number]> {
  const first = tree.firstChild(inode);
  const end = first + tree.childCount(inode);
  for (let dentry = first; dentry < end; dentry++) yield [tree.nameOf(dentry), tree.dentryInode(dentry)];
}

function sizeOf(tree: Tree, inode: number): number {
  return (tree.modeOf(inode) & S_IFMT) === S_IFREG ? tree.sizeOf(inode) : 0;
}
