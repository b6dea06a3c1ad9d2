// UpperRows: the upper files about which native code may ask the upper's file system without a call of JavaScript
// (native/fast-path/upper_answer.h has the layout).
//
// It is a small cache: if a row is missing, JavaScript answers. A row must be removed before a request is answered after its
// descriptor was closed or its link count has changed: so all rows go when a directory is made, moved or removed. Owner, mode,
// times, size, names and xattrs are read through the descriptor, and may change at any time.
import type { DirectoryInode } from './directory-inode.ts';
import type { Inode } from './inode.ts';

const ROWS = 1024;
const ROW_LENGTH = 6;
const DIRECTORY = 1;
const FILE = 2;
/** The link count is that of the upper. */
const UPPER_LINKS = -1;

export class UpperRows {
  readonly numbers = new Float64Array(ROWS * ROW_LENGTH);

  /** A loaded directory with an upper directory. `fd`: its descriptor; `nlink`: the link count that shows. */
  addDirectory(directory: DirectoryInode, fd: number, nlink: number): void {
    const { lower } = directory;
    this.#write(directory, DIRECTORY, fd, lower < 0 ? UPPER_LINKS : nlink, lower);
  }

  /** A regular file whose bytes are in the upper. `fd`: open for reading. */
  addFile(inode: Inode, fd: number): void {
    this.#write(inode, FILE, fd, UPPER_LINKS, -1);
  }

  remove({ nodeId }: Inode): void {
    const at = (nodeId % ROWS) * ROW_LENGTH;
    if (this.numbers[at] === nodeId) this.numbers[at] = 0;
  }

  removeAll(): void {
    this.numbers.fill(0);
  }

  #write({ nodeId, ino }: Inode, kind: number, fd: number, nlink: number, lower: number): void {
    this.numbers.set([nodeId, kind, fd, ino, nlink, lower], (nodeId % ROWS) * ROW_LENGTH);
  }
}
