// The error for bad input: a malformed archive, an unknown reference, an option nobody knows.
//
// Its message is one line that names what, where, and what was found and expected; the command line prints it
// as it stands and exits with 1. Anything else that reaches the command line is a defect of ours.

export class InputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InputError';
  }
}

/** A malformed archive: `offset` is in bytes of the uncompressed tar unless the message says otherwise. */
export class FormatError extends InputError {
  readonly file: string;
  readonly offset: number;

  constructor(file: string, offset: number, found: string, expected: string) {
    super(`${file}: at byte ${offset}: found ${found}, expected ${expected}`);
    this.name = 'FormatError';
    this.file = file;
    this.offset = offset;
  }
}
