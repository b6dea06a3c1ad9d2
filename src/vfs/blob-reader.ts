// Random access to a layer's uncompressed bytes, and what a read may answer with.

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

  constructor(fd: number, position: number, length: number, mayEnd = false) {
    this.fd = fd;
    this.position = position;
    this.length = length;
    this.mayEnd = mayEnd;
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
  /** Closes what the reader opened. Reads under way end with -EIO or their bytes. */
  close(): void;
}
