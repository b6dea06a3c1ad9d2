// Finds mounts in other mount namespaces. A new namespace gets a copy of every mount of its parent. The copy lives
// until it is unmounted there, or until the namespace ends.
//
// It reads only links and tables in /proc and never touches a mount, which may hang. It can't find a namespace without
// processes, or one whose processes are hidden from this user (hidepid).
import { readFile, readdir, readlink } from 'node:fs/promises';
import { type MountEntry, parseMountTable } from './mount-table.ts';

/** A process whose mount namespace has a mount. */
export interface NamespaceProcess {
  readonly pid: number;
  /** comm; '?' if the process has ended. */
  readonly name: string;
}

/** A mount in another mount namespace. */
export interface NamespaceMount {
  /** Its mount point is relative to the root directory of `processes[0]`. */
  readonly entry: MountEntry;
  /** The processes of the namespace, ordered by pid; at least one. */
  readonly processes: readonly NamespaceProcess[];
}

/** The result; undefined if the process has ended (ENOENT, ESRCH) or belongs to another user (EACCES, EPERM). */
async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}

/** Identifies the mount namespace of a process; undefined without permission to read it. */
export function mountNamespaceOf(pid: number | 'self'): Promise<string | undefined> {
  return ifReadable(readlink(`/proc/${pid}/ns/mnt`));
}

/** The mounts of other mount namespaces that pass `isWanted`, in the order of their namespace's mount table. */
export async function findInOtherNamespaces(
  isWanted: (entry: MountEntry) => boolean,
): Promise<NamespaceMount[]> {
  const own = await mountNamespaceOf('self');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const namespaces = new Map<string, number[]>();
  for (const pid of pids.sort((a, b) => a - b)) {
    // A namespace that can't be read counts as the process's own: its mount table is readable nevertheless.
    const namespace = (await mountNamespaceOf(pid)) ?? `of ${pid}`;
    if (namespace === own) continue;
    namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), pid]);
  }
  const found: NamespaceMount[] = [];
  for (const inside of namespaces.values()) {
    const table = await ifReadable(readFile(`/proc/${inside[0] ?? 0}/mountinfo`, 'utf8'));
    const entries = parseMountTable(table ?? '').filter(isWanted);
    if (entries.length === 0) continue;
    const processes = await Promise.all(inside.map(nameProcess));
    found.push(...entries.map((entry) => ({ entry, processes })));
  }
  return found;
}

async function nameProcess(pid: number): Promise<NamespaceProcess> {
  const name = (await ifReadable(readFile(`/proc/${pid}/comm`, 'utf8')))?.trimEnd() ?? '?';
  return { pid, name };
}

/** True if the process has a FUSE device open, as the daemon of a mount has. False without permission to read that. */
export async function servesFuse(pid: number): Promise<boolean> {
  for (const fd of (await ifReadable(readdir(`/proc/${pid}/fd`))) ?? []) {
    if ((await ifReadable(readlink(`/proc/${pid}/fd/${fd}`))) === '/dev/fuse') return true;
  }
  return false;
}
