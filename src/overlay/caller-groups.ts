// In which groups a caller is. A FUSE request names but one; the others stand in /proc.
import { readFileSync } from 'node:fs';
import type { Call } from '../vfs/operation.ts';

/** Asked in place: rarely, and /proc waits for no disk. */
export function isInGroup({ gid, pid }: Call, group: number): boolean {
  return gid === group || supplementaryGroups(pid).includes(group);
}

function supplementaryGroups(pid: number): number[] {
  try {
    const line = /^Groups:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return (line?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // ENOENT, ESRCH: it has ended, or can't be seen from here (pid 0).
  }
}
