// The errno that a caller gets for a failure.
import createDebug from 'debug';
import { EIO, ErrnoError } from '../vfs/errno.ts';

const debug = createDebug('stratafs:fuse');

/** The negative errno of a thrown value. Anything but an errno is a defect: it is logged with its stack and becomes EIO. */
export function errnoOf(error: unknown): number {
  if (error instanceof ErrnoError) return error.errno;
  debug('request failed: %O', error);
  return -EIO;
}
