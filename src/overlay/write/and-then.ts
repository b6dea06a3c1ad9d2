import type { MaybePromise, Status } from '../../vfs/filesystem.ts';

/** Calls `next` after success, at once if `status` is known. */
export function andThen(status: MaybePromise<Status>, next: () => Status): MaybePromise<Status> {
  if (typeof status !== 'number') return status.then((settled) => (settled < 0 ? settled : next()));
  return status < 0 ? status : next();
}
