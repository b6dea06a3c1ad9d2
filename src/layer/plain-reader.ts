// PlainReader: an uncompressed layer, read straight from the file that holds it.
import { closeSync } from 'node:fs';
import { type BlobReader, type BorrowedRange, FileRange } from '../vfs/blob-reader.ts';

export class PlainReader implements BlobReader {
  readonly size: number;
  readonly #fd: number;
  readonly #offset: number;
  #isClosed = false;

  /** The blob is bytes `offset` to `offset + size` of `fd`, which the reader owns from now on. */
  constructor(fd: number, offset: number, size: number) {
    this.#fd = fd;
    this.#offset = offset;
    this.size = size;
  }

  get plain(): FileRange {
    return new FileRange(this.#fd, this.#offset, this.size);
  }

  /** A file that was truncated since is noticed by whoever reads the range: the driver answers EIO. */
  read(offset: number, length: number): FileRange {
    const available = Math.max(0, Math.min(length, this.size - offset));
    return new FileRange(this.#fd, this.#offset + offset, available);
  }

  borrow(offset: number, length: number): BorrowedRange {
    return { range: this.read(offset, length), release: () => undefined };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }
}
