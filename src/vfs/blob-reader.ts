// Random access to a layer's uncompressed bytes, and the results that a read can have.

/** The fstat(2) result of a file that must not change, taken when the file was opened. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

/** Bytes in an open file. The driver moves them to the kernel without copying them through JavaScript. */
export class FileRange {
  /** Owned by the side that returned the range: open until its BlobReader is closed, or until the node is released. */
  readonly fd: number;
  /** Bytes from the start of the file. */
  readonly position: number;
  /** Bytes. */
  readonly length: number;
  /** True: the file may end early, and the answer is then shorter. False: an early end is -EIO. */
  readonly mayEnd: boolean;
  /**
   * The driver compares the file with this state after the transfer, and answers -EIO if it differs. Undefined: the
   * file may change.
   */
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
 * The result of a read: a negative errno, bytes in memory, or a range of an open file. Bytes in memory are lent: the
 * receiver doesn't write to them, and they are valid until the next turn of the event loop, or without limit if they
 * came from a promise.
 */
export type ReadResult = number | Uint8Array | FileRange;

/** A range that stays readable until `release` is called, once. */
export interface BorrowedRange {
  readonly range: FileRange;
  release(): void;
}

export interface BlobReader {
  /** Uncompressed length in bytes. */
  readonly size: number;
  /**
   * The whole blob as a range of a file that stays open until `close`; undefined if no file holds the bytes as they
   * are.
   */
  readonly plain?: FileRange | undefined;
  /**
   * Calls `listener` once if `plain` comes to be, as the last bytes of a registry's layer arrive. Returns what removes it.
   * Undefined: `plain` never changes.
   */
  whenPlain?(listener: () => void): () => void;
  /** The same for a compressed blob whose bytes lie uncompressed in a file of this user, which nobody else can write to. */
  readonly unpacked?: FileRange | undefined;
  /**
   * Up to `length` bytes at `offset`; fewer only at the end of the blob. Never throws: a blob that was truncated or
   * replaced, or that can't be decompressed, answers -EIO.
   */
  read(offset: number, length: number): ReadResult | Promise<ReadResult>;
  /**
   * The same bytes as a range of an open file, so that the kernel can copy them. Undefined if no file holds them as
   * they are, or if it can't be opened; `read` then gives the errno.
   */
  borrow?(offset: number, length: number): BorrowedRange | undefined;
  /** True if the file that holds the blob was written to since it was opened. Undefined: changes are not detected. */
  isSourceChanged?(): boolean;
  /** Closes the files that the reader opened. Reads under way still answer, with their bytes or -EIO. */
  close(): void;
}
