// Where in the tar the bytes under the reader's hand lie, so that an error can name the offset.
//
// One Place is moved along and used again: parsing a good member allocates nothing for it.
import { FormatError } from '../vfs/input-error.ts';

export class Place {
  /** The archive, as messages name it. */
  readonly file: string;
  #base = 0;
  #offset = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Says that index `base` of the buffer in use is byte `offset` of the uncompressed tar. */
  moveTo(base: number, offset: number): void {
    this.#base = base;
    this.#offset = offset;
  }

  /** The error for what was found at index `at` of the buffer in use. */
  error(at: number, found: string, expected: string): FormatError {
    return new FormatError(this.file, this.#offset + (at - this.#base), found, expected);
  }
}
