// PlainReader: an uncompressed layer, read directly from its file.
import { closeSync } from 'node:fs';
import { hasChanged } from '../sys/file-state.ts';
import { type BlobReader, type BorrowedRange, FileRange, type FileState } from '../vfs/blob-reader.ts';

export class PlainReader implements BlobReader {
  readonly size: number;
  readonly #fd: number;
  readonly #offset: number;
  readonly #state: FileState;
  #isClosed = false;

  /**
   * The blob is bytes `offset` to `offset + size` of `fd`, which the reader owns from now on. `state` is that of the
   * file.
   */
  constructor(fd: number, offset: number, size: number, state: FileState) {
    this.#fd = fd;
    this.#offset = offset;
    this.size = size;
    this.#state = state;
  }

  get plain(): FileRange {
    return new FileRange(this.#fd, this.#offset, this.size, false, this.#state);
  }

  /** The driver checks for a change of the file when it reads the range, and answers EIO. */
  read(offset: number, length: number): FileRange {
    const available = Math.max(0, Math.min(length, this.size - offset));
    return new FileRange(this.#fd, this.#offset + offset, available, false, this.#state);
  }

  borrow(offset: number, length: number): BorrowedRange {
    return { range: this.read(offset, length), release: () => undefined };
  }

  isSourceChanged(): boolean {
    return !this.#isClosed && hasChanged(this.#fd, this.#state);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }
}
