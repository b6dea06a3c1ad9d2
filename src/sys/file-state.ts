// Detects that an archive which is read in place was overwritten since it was opened.
//
// write(2) moves mtime before it changes the first byte (file_update_time in the kernel's write paths). So a check
// after the bytes were read never accepts bytes of the new content. ctime doesn't count: renaming, linking, unlinking
// or chown leaves the bytes unchanged. A write whose author restores the mtime and keeps the size is not detected.
import type { BigIntStats } from 'node:fs';
import type { FileRange, FileState } from '../vfs/blob-reader.ts';
import { statAt } from './stat-at.ts';
import { NO_NAME } from './upper-calls.ts';

const NSEC_PER_SEC = 1_000_000_000n;

export function fileStateOf({ size, mtimeNs }: Pick<BigIntStats, 'size' | 'mtimeNs'>): FileState {
  const nsec = ((mtimeNs % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
  return {
    size: Number(size),
    mtimeSec: Number((mtimeNs - nsec) / NSEC_PER_SEC),
    mtimeNsec: Number(nsec),
  };
}

/** True if the file of `fd` no longer has this state. */
export function hasChanged(fd: number, state: FileState): boolean {
  const stat = statAt(fd, NO_NAME);
  if (typeof stat === 'number') return true;
  const { size, mtimeSec, mtimeNsec } = stat;
  return size !== state.size || mtimeSec !== state.mtimeSec || mtimeNsec !== state.mtimeNsec;
}

/** False if `range` may have been read from changed content. */
export function isIntact({ fd, state }: FileRange): boolean {
  return state === undefined || !hasChanged(fd, state);
}
