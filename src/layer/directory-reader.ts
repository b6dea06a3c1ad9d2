// The bytes of a directory's regular files as one blob: the files laid end to end in the order in which they were added.
//
// Files are opened when they are read, beneath the directory's descriptor, and a few are kept open. Bytes are read here,
// not answered as a FileRange: a range must stay readable until the reader is closed, and so many descriptors no
// process has.
//
// A mount shows a file with the owner and mode that it had when the directory was read. Whoever may write to a directory can
// rename another file, of another owner, to that name. So a file that has taken a name since is not read.
import { closeSync, constants, fstatSync, read as readFile } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { type BlobReader, type BorrowedRange, FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EIO, ESTALE } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { openBeneath } from '../sys/file-calls.ts';
import { ByteArena } from './byte-arena.ts';

const MAX_OPEN_FILES = 64;
const MAX_NAME_BYTES = 1 << 30;
const SLASH = 0x2f;

/** A descriptor that is kept: closed when it was dropped and the last read of it has ended. */
interface OpenFile {
  readonly fd: number;
  readers: number;
  isDropped: boolean;
}

export class DirectoryReader implements BlobReader {
  size = 0;
  readonly #root: number;
  /** Of each file: where it begins in the blob, the directory it lies in, where its name ends in #names. */
  readonly #starts: number[] = [];
  readonly #directories: Uint8Array[] = [];
  readonly #nameEnds: number[] = [0];
  readonly #inos: number[] = [];
  readonly #names = new ByteArena(MAX_NAME_BYTES, () => new InputError('more than 1 GiB of file names'));
  readonly #open: LRUCache<number, OpenFile>;

  /** `root` is a descriptor of the directory, owned by the reader from now on. */
  constructor(root: number) {
    this.#root = root;
    this.#open = new LRUCache<number, OpenFile>({
      max: MAX_OPEN_FILES,
      dispose: (file) => {
        file.isDropped = true;
        if (file.readers === 0) closeSync(file.fd);
      },
    });
  }

  /**
   * Adds a file by the path of its directory ('' is the root) and its name; returns where it begins. The path is kept.
   * `ino`: its inode number.
   */
  addFile(directory: Uint8Array, name: Uint8Array, size: number, ino: number): number {
    const start = this.size;
    // An empty file has no bytes to find.
    if (size === 0) return start;
    this.#starts.push(start);
    this.#directories.push(directory);
    this.#inos.push(ino);
    this.#names.append(name, 0, name.length);
    this.#nameEnds.push(this.#names.length);
    this.size += size;
    return start;
  }

  /** As BlobReader has it, but no answer reaches over the end of a file. */
  read(offset: number, length: number): ReadResult | Promise<ReadResult> {
    if (offset >= this.size || length === 0) return new Uint8Array();
    const borrowed = this.#borrow(offset, length);
    if (typeof borrowed === 'number') return borrowed;
    const { range } = borrowed;
    const bytes = Buffer.allocUnsafeSlow(range.length);
    return new Promise((resolve) => {
      readFile(range.fd, bytes, 0, range.length, range.position, (error, bytesRead) => {
        borrowed.release();
        // Shorter than it was: somebody changed it under us.
        resolve(error === null && bytesRead === range.length ? bytes : -EIO);
      });
    });
  }

  borrow(offset: number, length: number): BorrowedRange | undefined {
    const borrowed = this.#borrow(offset, length);
    return typeof borrowed === 'number' ? undefined : borrowed;
  }

  /** A negative errno where the file can't be opened. */
  #borrow(offset: number, length: number): BorrowedRange | number {
    const number = this.#fileAt(offset);
    const start = this.#starts[number] as number;
    const end = this.#starts[number + 1] ?? this.size;
    const file = this.#openFile(number);
    if (typeof file === 'number') return file;
    file.readers++;
    return {
      range: new FileRange(file.fd, offset - start, Math.min(length, end - offset)),
      release: () => {
        file.readers--;
        if (file.isDropped && file.readers === 0) closeSync(file.fd);
      },
    };
  }

  close(): void {
    this.#open.clear();
    closeSync(this.#root);
  }

  /** The last file that begins at or before `offset`. */
  #fileAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A negative errno if the file is gone, or is not a regular file any more, or another (ESTALE). */
  #openFile(number: number): OpenFile | number {
    const kept = this.#open.get(number);
    if (kept !== undefined) return kept;
    const name = this.#names.bytes.subarray(this.#nameEnds[number], this.#nameEnds[number + 1]);
    const path = joinPath(this.#directories[number] as Uint8Array, name);
    const fd = openBeneath(
      this.#root,
      path,
      constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
    );
    if (fd < 0) return fd;
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.ino !== this.#inos[number]) {
      closeSync(fd);
      return stat.isFile() ? -ESTALE : -EIO;
    }
    const file: OpenFile = { fd, readers: 0, isDropped: false };
    this.#open.set(number, file);
    return file;
  }
}

/** The path of a name in a directory, '' being the root. */
export function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}
