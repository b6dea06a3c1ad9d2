// Converts an index in the buffer being parsed to an offset in the tar, so that errors can name the offset.
//
// One Place is moved along: parsing a good member allocates nothing for it.
import { FormatError } from '../vfs/input-error.ts';

export class Place {
  /** The archive's name in messages. */
  readonly file: string;
  #base = 0;
  #offset = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Index `base` of the current buffer is byte `offset` of the uncompressed tar. */
  moveTo(base: number, offset: number): void {
    this.#base = base;
    this.#offset = offset;
  }

  /** An error for what was found at index `at` of the current buffer. */
  error(at: number, found: string, expected: string): FormatError {
    return new FormatError(this.file, this.#offset + (at - this.#base), found, expected);
  }
}
