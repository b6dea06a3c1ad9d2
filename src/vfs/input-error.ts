// The error for bad input: a malformed archive, an unknown reference, an option that does not exist.
//
// Its message is one line that names what, where, and what was found and expected; the command line prints it
// unchanged and exits with 1. Any other error that reaches the command line is a defect of stratafs.

/** What kind of input is wrong, in the manner of Node's own codes. Programs test this, and never the message. */
export type InputErrorCode =
  /** Any other bad input. */
  | 'ERR_STRATAFS_INPUT'
  /** A malformed archive: a FormatError. */
  | 'ERR_STRATAFS_FORMAT'
  /** The source does not exist, is not an image, or holds no image of that name or platform. */
  | 'ERR_STRATAFS_NO_IMAGE'
  /** The source holds several images, and the caller has to choose one. */
  | 'ERR_STRATAFS_SEVERAL_IMAGES'
  /** The image has no such layer. */
  | 'ERR_STRATAFS_NO_LAYER'
  /** Bytes do not have the digest that the image states. */
  | 'ERR_STRATAFS_DIGEST'
  /** An archive or a file was changed while it was used. */
  | 'ERR_STRATAFS_CHANGED'
  /** No stratafs mount is there. */
  | 'ERR_STRATAFS_NOT_MOUNTED'
  /** A stratafs mount is there already. */
  | 'ERR_STRATAFS_ALREADY_MOUNTED'
  /** The mount has no upper directory, so nothing was written to it. */
  | 'ERR_STRATAFS_NO_UPPER'
  /** Processes use the mount; the message lists them. */
  | 'ERR_STRATAFS_BUSY'
  /** The mount does not answer: a SilentMountError. */
  | 'ERR_STRATAFS_SILENT'
  /** Unmounted, and other mounts of the same file system keep it alive: a CopiedMountError. */
  | 'ERR_STRATAFS_COPIED'
  /** The target of a new image exists already. */
  | 'ERR_STRATAFS_EXISTS'
  /** The image was closed. */
  | 'ERR_STRATAFS_CLOSED';

/** `code` is 'ERR_STRATAFS_INPUT' by default. */
export interface InputErrorOptions extends ErrorOptions {
  readonly code?: InputErrorCode;
}

/** Bad input. The message is one line for people. */
export class InputError extends Error {
  readonly code: InputErrorCode;

  constructor(message: string, options: InputErrorOptions = {}) {
    super(message, options);
    this.name = 'InputError';
    this.code = options.code ?? 'ERR_STRATAFS_INPUT';
  }
}

/** A malformed archive: `offset` is in bytes of the uncompressed tar unless the message says otherwise. */
export class FormatError extends InputError {
  readonly file: string;
  readonly offset: number;

  constructor(file: string, offset: number, found: string, expected: string) {
    super(`${file}: at byte ${offset}: found ${found}, expected ${expected}`, {
      code: 'ERR_STRATAFS_FORMAT',
    });
    this.name = 'FormatError';
    this.file = file;
    this.offset = offset;
  }
}
