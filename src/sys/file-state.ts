// Whether a file that is read in place is still what it was when it was opened: an archive may be written over in place.
//
// A write(2) moves mtime before it changes the first byte (file_update_time of the kernel's write paths), so a look after
// the bytes were read never lets those of the new file pass. ctime doesn't count: a file that is renamed, linked,
// unlinked or given to somebody else has the same bytes. An mtime that is set back, to the same size, isn't noticed.
import { type BigIntStats, fstatSync } from 'node:fs';
import type { FileRange, FileState } from '../vfs/blob-reader.ts';

const NSEC_PER_SEC = 1_000_000_000n;

export function fileStateOf({ size, mtimeNs }: Pick<BigIntStats, 'size' | 'mtimeNs'>): FileState {
  const nsec = ((mtimeNs % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
  return {
    size: Number(size),
    mtimeSec: Number((mtimeNs - nsec) / NSEC_PER_SEC),
    mtimeNsec: Number(nsec),
  };
}

/** True where the file of `fd` is not in `state` any more. */
export function hasChanged(fd: number, state: FileState): boolean {
  const { size, mtimeSec, mtimeNsec } = fileStateOf(fstatSync(fd, { bigint: true }));
  return size !== state.size || mtimeSec !== state.mtimeSec || mtimeNsec !== state.mtimeNsec;
}

/** False where the bytes of `range`, if they were read before, may be those of another file. */
export function isIntact({ fd, state }: FileRange): boolean {
  return state === undefined || !hasChanged(fd, state);
}
