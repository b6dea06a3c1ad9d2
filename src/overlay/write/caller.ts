// The user and groups of a caller, read from /proc/PID/status. A FUSE request has at most one group, and since Linux 6.12 a request
// that creates no inode has neither user nor group.
//
// The read is synchronous: it is rare, and /proc never waits for a disk. A caller that has ended or is not visible here (pid 0) is
// treated as one without privileges and groups. On an idmapped mount these are the caller's own IDs, not the stored ones.
import { readFileSync } from 'node:fs';
import { type Call, UNKNOWN_ID } from '../../vfs/operation.ts';

/** True if the caller is root, which may keep set-ID bits (CAP_FSETID). */
export function isRootCall({ uid, pid }: Call): boolean {
  return uid === UNKNOWN_ID ? idsOf(pid, 'Uid').at(-1) === 0 : uid === 0;
}

export function isInGroup({ gid, pid }: Call, group: number): boolean {
  const primary = gid === UNKNOWN_ID ? idsOf(pid, 'Gid').at(-1) : gid;
  return primary === group || idsOf(pid, 'Groups').includes(group);
}

/** The IDs in a line of /proc/PID/status (proc_pid_status(5)). The last ID of Uid and Gid is the file system one. */
function idsOf(pid: number, field: 'Uid' | 'Gid' | 'Groups'): number[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const [, line = ''] = new RegExp(`^${field}:(.*)$`, 'm').exec(status) ?? [];
    return line.split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // ENOENT, ESRCH
  }
}
