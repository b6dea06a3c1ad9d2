// The users and groups of a caller, beyond what a FUSE request says: it names one group at most, and from Linux 6.12 on a request that
// makes no inode names neither user nor group. The rest stands in /proc.
//
// Asked in place: rarely, and /proc waits for no disk. A caller that has ended or can't be seen from here (pid 0) counts
// as one without privileges and groups. Of an idmapped mount the caller's IDs are its own, not the stored ones.
import { readFileSync } from 'node:fs';
import { type Call, UNKNOWN_ID } from '../../vfs/operation.ts';

/** Whether the caller is root, and so may keep set-ID bits (CAP_FSETID). */
export function isRootCall({ uid, pid }: Call): boolean {
  return uid === UNKNOWN_ID ? idsOf(pid, 'Uid').at(-1) === 0 : uid === 0;
}

export function isInGroup({ gid, pid }: Call, group: number): boolean {
  const primary = gid === UNKNOWN_ID ? idsOf(pid, 'Gid').at(-1) : gid;
  return primary === group || idsOf(pid, 'Groups').includes(group);
}

/** A line of /proc/PID/status, proc_pid_status(5): of Uid and Gid the last one is the file system's. */
function idsOf(pid: number, field: 'Uid' | 'Gid' | 'Groups'): number[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const [, line = ''] = new RegExp(`^${field}:(.*)$`, 'm').exec(status) ?? [];
    return line.split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // ENOENT, ESRCH
  }
}
