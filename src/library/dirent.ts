// Names of directories, in the shape of Dirent of node:fs; and the names of a whole tree, one after the other.
import { setImmediate } from 'node:timers/promises';
import { type Tree, walkTree } from '../inspect/inspect.ts';
import { FileType } from './file-type.ts';
import type { PathName } from './path-name.ts';
import { Stats } from './stats.ts';

/** As `Dirent` of node:fs. */
export class Dirent<Name extends string | Buffer = string> extends FileType {
  readonly name: Name;
  /** The directory, as it was given. */
  readonly parentPath: string;

  /** @internal `mode`: as st_mode. */
  constructor(name: Name, parentPath: string, mode: number) {
    super(mode);
    this.name = name;
    this.parentPath = parentPath;
  }
}

/** One name of a walk. */
export class WalkEntry extends Dirent implements PathName {
  readonly path: string;
  readonly pathBytes: Buffer;
  readonly #tree: Tree;
  readonly #inode: number;

  /** @internal `pathBytes`: from the root, with a leading slash. */
  constructor(tree: Tree, inode: number, pathBytes: Buffer) {
    const path = pathBytes.toString('utf8');
    const slash = path.lastIndexOf('/');
    super(path.slice(slash + 1), slash === 0 ? '/' : path.slice(0, slash), tree.modeOf(inode));
    this.path = path;
    this.pathBytes = pathBytes;
    this.#tree = tree;
    this.#inode = inode;
  }

  /** Attributes, as of lstat: those of a symlink are its own. */
  get stats(): Stats {
    return new Stats(this.#tree, this.#inode);
  }
}

/** Names after which other work of the process gets its turn. */
const NAMES_AT_ONCE = 1024;

/**
 * All names beneath a directory: a directory before what is in it, names in bytewise order. `directory` is its path as bytes,
 * from the root, without a leading slash.
 */
export async function* walkEntries(
  tree: Tree,
  inode: number,
  directory: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<WalkEntry, void> {
  let count = 0;
  for (const { inode: child, path } of walkTree(tree, inode, directory)) {
    if (count++ % NAMES_AT_ONCE === 0) await setImmediate();
    signal.throwIfAborted();
    yield new WalkEntry(tree, child, Buffer.concat([Buffer.from('/'), path]));
  }
}
