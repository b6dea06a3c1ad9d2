// What Stats and Dirent of node:fs have in common: questions about the type of a file.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../vfs/attr.ts';

/** The type of a file. */
export class FileType {
  readonly #type: number;

  /** @internal `mode`: as st_mode. */
  constructor(mode: number) {
    this.#type = mode & S_IFMT;
  }

  /** True for a regular file. */
  isFile(): boolean {
    return this.#type === S_IFREG;
  }

  /** True for a directory. */
  isDirectory(): boolean {
    return this.#type === S_IFDIR;
  }

  /** True for a symlink, of which only `lstat`, `readdir` and `walk` know. */
  isSymbolicLink(): boolean {
    return this.#type === S_IFLNK;
  }

  /** True for a block device. */
  isBlockDevice(): boolean {
    return this.#type === S_IFBLK;
  }

  /** True for a character device. */
  isCharacterDevice(): boolean {
    return this.#type === S_IFCHR;
  }

  /** True for a fifo. */
  isFIFO(): boolean {
    return this.#type === S_IFIFO;
  }

  /** True for a socket. */
  isSocket(): boolean {
    return this.#type === S_IFSOCK;
  }
}
