// Random access to a layer's uncompressed bytes, and what a read may answer with.

/** What fstat(2) says of a file that must not change, when it was opened. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

/** Bytes that lie in an open file: the driver moves them to the kernel without carrying them through JavaScript. */
export class FileRange {
  /** Owned by who answered: open until a BlobReader is closed, or until the node that was read is released. */
  readonly fd: number;
  /** Bytes from the start of the file. */
  readonly position: number;
  /** Bytes. */
  readonly length: number;
  /** The file may end before: then the answer is as much shorter. False: that is -EIO. */
  readonly mayEnd: boolean;
  /** Whoever moves the bytes compares the file with it afterwards, and answers -EIO where it has changed. Undefined: it may. */
  readonly state: FileState | undefined;

  constructor(fd: number, position: number, length: number, mayEnd = false, state?: FileState) {
    this.fd = fd;
    this.position = position;
    this.length = length;
    this.mayEnd = mayEnd;
    this.state = state;
  }
}

/**
 * The answer to a read: a negative errno, bytes in memory (lent: valid until the next turn of the event loop
 * unless they came from a promise; never written to by the receiver), or a range of an open file.
 */
export type ReadResult = number | Uint8Array | FileRange;

/** A range that stays readable until it is released, once. */
export interface BorrowedRange {
  readonly range: FileRange;
  release(): void;
}

export interface BlobReader {
  /** Uncompressed length in bytes. */
  readonly size: number;
  /** All the bytes, where they lie as they are in a file that stays open until `close`. */
  readonly plain?: FileRange;
  /**
   * Up to `length` bytes at `offset`. Shorter than asked only at the end of the blob. A blob that was
   * truncated, replaced or can't be decompressed answers -EIO, never throws. The answer may cover less than
   * `length` only at the end.
   */
  read(offset: number, length: number): ReadResult | Promise<ReadResult>;
  /**
   * The same bytes as a range of an open file, so that the kernel can copy them; undefined where they lie in no file as they
   * are, or can't be opened: `read` then says why.
   */
  borrow?(offset: number, length: number): BorrowedRange | undefined;
  /** True where the file that holds the blob was written to since it was opened. Undefined: nobody keeps watch. */
  isSourceChanged?(): boolean;
  /** Closes what the reader opened. Reads under way end with -EIO or their bytes. */
  close(): void;
}
