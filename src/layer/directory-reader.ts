// Reads the regular files of a directory as one blob: the files one after the other, in the order of `addFile`.
//
// Files are opened on demand, beneath the directory's descriptor, and a few stay open. Reads copy the bytes instead of
// answering a FileRange: a range must stay readable until the reader is closed, which would take too many descriptors.
//
// A mount shows a file with the owner and mode that it had when the directory was read. A user who can write to a
// directory can rename a file of another owner to that name. So a file that took over a name later is not read.
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

/** A descriptor in the cache: closed after it was evicted and its last read has ended. */
interface OpenFile {
  readonly fd: number;
  readers: number;
  isDropped: boolean;
}

export class DirectoryReader implements BlobReader {
  size = 0;
  readonly #root: number;
  /** By file: its offset in the blob, its directory, the end of its name in #names. */
  readonly #starts: number[] = [];
  readonly #directories: Uint8Array[] = [];
  readonly #nameEnds: number[] = [0];
  readonly #inos: number[] = [];
  readonly #names = new ByteArena(MAX_NAME_BYTES, () => new InputError('more than 1 GiB of file names'));
  readonly #open: LRUCache<number, OpenFile>;

  /** `root` is a descriptor of the directory, which the reader owns from now on. */
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
   * Adds a file by the path of its directory ('' is the root) and its name; returns its offset. The path is copied.
   * `ino`: its inode number.
   */
  addFile(directory: Uint8Array, name: Uint8Array, size: number, ino: number): number {
    const start = this.size;
    // An empty file has no bytes to read.
    if (size === 0) return start;
    this.#starts.push(start);
    this.#directories.push(directory);
    this.#inos.push(ino);
    this.#names.append(name, 0, name.length);
    this.#nameEnds.push(this.#names.length);
    this.size += size;
    return start;
  }

  /** As in BlobReader, but no answer crosses the end of a file. */
  read(offset: number, length: number): ReadResult | Promise<ReadResult> {
    if (offset >= this.size || length === 0) return new Uint8Array();
    const borrowed = this.#borrow(offset, length);
    if (typeof borrowed === 'number') return borrowed;
    const { range } = borrowed;
    const bytes = Buffer.allocUnsafeSlow(range.length);
    return new Promise((resolve) => {
      readFile(range.fd, bytes, 0, range.length, range.position, (error, bytesRead) => {
        borrowed.release();
        // The file was truncated since.
        resolve(error === null && bytesRead === range.length ? bytes : -EIO);
      });
    });
  }

  borrow(offset: number, length: number): BorrowedRange | undefined {
    const borrowed = this.#borrow(offset, length);
    return typeof borrowed === 'number' ? undefined : borrowed;
  }

  /** A negative errno if the file can't be opened. */
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

  /** The last file that starts at or before `offset`. */
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

  /** A negative errno if the file is missing, or is no longer a regular file, or is another one (ESTALE). */
  #openFile(number: number): OpenFile | number {
    const openFile = this.#open.get(number);
    if (openFile !== undefined) return openFile;
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

/** The path of a name in a directory; '' is the root. */
export function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}
