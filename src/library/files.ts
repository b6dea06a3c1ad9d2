// The files of a merged image, by path: what node:fs answers for a directory tree.
import { type MergedImage, type ResolvedPath, resolveToPath } from '../inspect/inspect.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { EINVAL, EISDIR, ENODATA, ENOENT, ENOTDIR, ErrnoError } from '../vfs/errno.ts';
import { Dirent } from './dirent.ts';
import { type NameEncoding, type PathLike, encodeName, latin1OfPath, textOfPath } from './path-name.ts';

/** How the names of a directory are returned. */
export interface ReaddirOptions {
  /** How names are returned: 'utf8' by default; 'buffer' keeps bytes that are not UTF-8. */
  readonly encoding?: NameEncoding | undefined;
  /** True: Dirent objects instead of names. */
  readonly withFileTypes?: boolean | undefined;
}

/** Looks up paths of one image. All methods throw ErrnoError with `syscall` and the path as it was given. */
export class Files {
  readonly #merged: MergedImage;

  constructor(merged: MergedImage) {
    this.#merged = merged;
  }

  /** The inode at `path`. `followsLast` false: of a symlink itself. */
  find(path: PathLike, syscall: string, followsLast = true): number {
    return this.resolve(path, syscall, followsLast).inode;
  }

  /** The inode at `path`, and the path that symlinks lead to. */
  resolve(path: PathLike, syscall: string, followsLast = true): ResolvedPath {
    const latin1 = latin1OfPath(path);
    const found = latin1 === '' ? -ENOENT : resolveToPath(this.#merged.tree, latin1, { followsLast });
    if (typeof found === 'number') throw new ErrnoError(found, syscall, textOfPath(path));
    return found;
  }

  /** A regular file. Anything else has no bytes in an image: EISDIR, EINVAL. */
  findFile(path: PathLike): number {
    const inode = this.find(path, 'open');
    const type = this.#merged.tree.modeOf(inode) & S_IFMT;
    if (type === S_IFREG) return inode;
    throw new ErrnoError(type === S_IFDIR ? EISDIR : EINVAL, 'read', textOfPath(path));
  }

  findDirectory(path: PathLike): number {
    const inode = this.find(path, 'scandir');
    if (this.#merged.tree.isDirectory(inode)) return inode;
    throw new ErrnoError(ENOTDIR, 'scandir', textOfPath(path));
  }

  /** In bytewise order. */
  readdir(
    path: PathLike,
    { encoding, withFileTypes }: ReaddirOptions,
  ): (string | Buffer | Dirent<string | Buffer>)[] {
    const { tree } = this.#merged;
    const directory = this.findDirectory(path);
    const first = tree.firstChild(directory);
    return Array.from({ length: tree.childCount(directory) }, (_, i) => {
      const dentry = first + i;
      const name = encodeName(tree.namePool.subarray(tree.nameStart(dentry), tree.nameEnd(dentry)), encoding);
      if (withFileTypes !== true) return name;
      return new Dirent(name, textOfPath(path), tree.modeOf(tree.dentryInode(dentry)));
    });
  }

  readlink(path: PathLike, encoding: NameEncoding | undefined): string | Buffer {
    const { tree } = this.#merged;
    const inode = this.find(path, 'readlink', false);
    if ((tree.modeOf(inode) & S_IFMT) !== S_IFLNK) throw new ErrnoError(EINVAL, 'readlink', textOfPath(path));
    return encodeName(tree.readlink(inode), encoding);
  }

  listxattr(path: PathLike, followsLast: boolean): string[] {
    const inode = this.find(path, followsLast ? 'listxattr' : 'llistxattr', followsLast);
    const names = Buffer.from(this.#merged.tree.listxattr(inode)).toString('utf8');
    return names.split('\0').slice(0, -1);
  }

  getxattr(path: PathLike, name: string | Uint8Array, followsLast: boolean): Buffer {
    const syscall = followsLast ? 'getxattr' : 'lgetxattr';
    const inode = this.find(path, syscall, followsLast);
    const value = this.#merged.tree.getxattr(inode, Buffer.from(name));
    if (value === undefined) throw new ErrnoError(ENODATA, syscall, textOfPath(path));
    return Buffer.from(value);
  }
}
