// The error for bad input: a malformed archive, an unknown reference, an unknown option.
//
// The message is one line that names the input, the place, what was found and what was expected. The command line
// prints it unchanged and exits with status 1. Any other error that reaches the command line is a defect of stratafs.

export class InputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InputError';
  }
}

/** A malformed archive. `offset` is in bytes of the uncompressed tar unless the message says otherwise. */
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
