// Compares two merged trees path by path, like `docker diff`: A added, C changed, D deleted.
//
// As in docker, a removed directory is listed without its content, an added one with its content; parents of changed
// paths are listed as changed, and a directory's mtime is ignored. Unlike docker, files of equal size are compared by
// their bytes (same-bytes.ts).
import type { Tree } from '../tree/tree.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { compareNames } from '../vfs/names.ts';
import { type Attribute, TreeAttributes, differingAttributes } from './attributes.ts';
import type { ComparedImage } from './compared-image.ts';
import { bytesInTree, haveSameBytes } from './same-bytes.ts';

export interface Difference {
  readonly kind: 'A' | 'C' | 'D';
  /** Bytes as latin1, no leading slash; empty for the root. */
  readonly path: string;
  /** Inodes; undefined where the path does not exist. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** The attributes that changed; empty for a parent of a change. */
  readonly attributes: readonly Attribute[];
}

/** Selects what counts as a difference. */
export interface CompareOptions {
  /** Ignore mtimes. */
  readonly ignoresTimes?: boolean | undefined;
  /** The attributes are not shown, so bytes are compared only if nothing else differs. */
  readonly isBrief?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sorted by path, bytewise. Throws ErrnoError (EIO) where a blob was changed. */
export async function compareTrees(
  a: ComparedImage,
  b: ComparedImage,
  options: CompareOptions = {},
): Promise<Difference[]> {
  const found = await new TreeComparison(a, b, options).run();
  const listed = new Set(found.map(({ path }) => path));
  for (const { path } of [...found]) {
    for (
      let parent = parentOf(path);
      parent !== undefined && !listed.has(parent.path);
      parent = parentOf(parent.path)
    ) {
      listed.add(parent.path);
      const { before, after } = parentInodes(a.tree, b.tree, parent.path);
      found.push({ kind: 'C', path: parent.path, before, after, attributes: [] });
    }
  }
  return found.sort((x, y) => (x.path < y.path ? -1 : 1));
}

/** undefined for a name in the root, which docker doesn't list as changed. */
function parentOf(path: string): { path: string } | undefined {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? undefined : { path: path.slice(0, slash) };
}

function parentInodes(a: Tree, b: Tree, path: string): { before: number; after: number } {
  const find = (tree: Tree): number =>
    path.split('/').reduce((inode, name) => tree.lookup(inode, Buffer.from(name, 'latin1')), 0);
  return { before: find(a), after: find(b) };
}

/** A directory that both trees have. */
interface Pair {
  readonly path: string;
  readonly before: number;
  readonly after: number;
}

class TreeComparison {
  readonly #a: ComparedImage;
  readonly #b: ComparedImage;
  readonly #options: CompareOptions;
  readonly #found: Difference[] = [];
  readonly #waiting: Pair[] = [];

  constructor(a: ComparedImage, b: ComparedImage, options: CompareOptions) {
    this.#a = a;
    this.#b = b;
    this.#options = options;
  }

  async run(): Promise<Difference[]> {
    await this.#compare('', 0, 0);
    for (let pair = this.#waiting.pop(); pair !== undefined; pair = this.#waiting.pop()) {
      this.#options.signal?.throwIfAborted();
      await this.#compareChildren(pair);
    }
    return this.#found;
  }

  async #compareChildren({ path, before, after }: Pair): Promise<void> {
    const a = this.#a.tree;
    const b = this.#b.tree;
    let i = a.firstChild(before);
    let j = b.firstChild(after);
    const endA = i + a.childCount(before);
    const endB = j + b.childCount(after);
    while (i < endA || j < endB) {
      const order = i === endA ? 1 : j === endB ? -1 : compareDentries(a, i, b, j);
      const name = order <= 0 ? nameOf(a, i) : nameOf(b, j);
      const child = path === '' ? name : `${path}/${name}`;
      if (order < 0) this.#delete(child, a.dentryInode(i++));
      else if (order > 0) this.#add(child, b.dentryInode(j++));
      else await this.#compare(child, a.dentryInode(i++), b.dentryInode(j++));
    }
  }

  async #compare(path: string, before: number, after: number): Promise<void> {
    const a = this.#a.tree;
    const b = this.#b.tree;
    const wasDirectory = a.isDirectory(before);
    const isDirectory = b.isDirectory(after);
    const attributes = await this.#differences(before, after);
    if (attributes.length > 0) this.#found.push({ kind: 'C', path, before, after, attributes });
    if (wasDirectory && isDirectory) this.#waiting.push({ path, before, after });
    else if (isDirectory) this.#addChildren(path, after);
  }

  /** The attributes in which two inodes differ. Bytes that both trees have from the same layer are not read. */
  async #differences(before: number, after: number): Promise<Attribute[]> {
    const a = this.#a.tree;
    const b = this.#b.tree;
    const isDirectory = a.isDirectory(before) && b.isDirectory(after);
    const found = differingAttributes(new TreeAttributes(a, before), new TreeAttributes(b, after)).filter(
      (attribute) => attribute !== 'mtime' || (!isDirectory && this.#options.ignoresTimes !== true),
    );
    if (found.length > 0 && this.#options.isBrief === true) return found;
    const isFile = [a.modeOf(before), b.modeOf(after)].every((mode) => (mode & S_IFMT) === S_IFREG);
    if (!isFile || found.includes('size')) return found;
    const isSame = await haveSameBytes(
      bytesInTree(a, before, this.#a.sources),
      bytesInTree(b, after, this.#b.sources),
      { signal: this.#options.signal },
    );
    return isSame === true ? found : [...found, 'content'];
  }

  #delete(path: string, before: number): void {
    this.#found.push({ kind: 'D', path, before, after: undefined, attributes: [] });
  }

  #add(path: string, after: number): void {
    this.#found.push({ kind: 'A', path, before: undefined, after, attributes: [] });
    if (this.#b.tree.isDirectory(after)) this.#addChildren(path, after);
  }

  #addChildren(path: string, directory: number): void {
    for (const { path: child, inode } of pathsBeneath(this.#b.tree, path, directory)) {
      this.#found.push({ kind: 'A', path: child, before: undefined, after: inode, attributes: [] });
    }
  }
}

/** All paths in the directory at `path` (bytes as latin1), recursively; parents first. */
export function* pathsBeneath(
  tree: Tree,
  path: string,
  directory: number,
): Generator<{ readonly path: string; readonly inode: number }> {
  const waiting = [{ path, inode: directory }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const first = tree.firstChild(next.inode);
    for (let dentry = first; dentry < first + tree.childCount(next.inode); dentry++) {
      const inode = tree.dentryInode(dentry);
      const child = { path: `${next.path}/${nameOf(tree, dentry)}`, inode };
      yield child;
      if (tree.isDirectory(inode)) waiting.push(child);
    }
  }
}

function nameOf(tree: Tree, dentry: number): string {
  const { buffer, byteOffset, byteLength } = tree.namePool;
  return Buffer.from(buffer, byteOffset, byteLength).toString(
    'latin1',
    tree.nameStart(dentry),
    tree.nameEnd(dentry),
  );
}

function compareDentries(a: Tree, i: number, b: Tree, j: number): number {
  return compareNames(a.namePool, a.nameStart(i), a.nameEnd(i), b.namePool, b.nameStart(j), b.nameEnd(j));
}
