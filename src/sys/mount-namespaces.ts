// Mounts that other mount namespaces have: a namespace copies all mounts of its parent when it is made, and a copy lives
// until it is unmounted there or the namespace ends.
//
// Only links and tables in /proc are read: nothing touches a mount, which may hang. A namespace that no process is in,
// or whose processes belong to others and are hidden (hidepid), is not found.
import { readFile, readdir, readlink } from 'node:fs/promises';
import { type MountEntry, parseMountTable } from './mount-table.ts';

export interface NamespaceProcess {
  readonly pid: number;
  /** comm; '?' where it has ended meanwhile. */
  readonly name: string;
}

/** A mount of another mount namespace. */
export interface NamespaceMount {
  /** Its mount point is as seen from the root directory of `processes[0]`. */
  readonly entry: MountEntry;
  /** The processes of that namespace, ordered by pid; at least one. */
  readonly processes: readonly NamespaceProcess[];
}

/** The answer, or undefined: processes end while we look (ENOENT, ESRCH), others aren't ours (EACCES, EPERM). */
async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}

/** What identifies the mount namespace of a process; undefined where that is not ours to know. */
export function mountNamespaceOf(pid: number | 'self'): Promise<string | undefined> {
  return ifReadable(readlink(`/proc/${pid}/ns/mnt`));
}

/** The mounts of other mount namespaces that `isWanted`, a namespace's in its table's order. */
export async function findInOtherNamespaces(
  isWanted: (entry: MountEntry) => boolean,
): Promise<NamespaceMount[]> {
  const own = await mountNamespaceOf('self');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const namespaces = new Map<string, number[]>();
  for (const pid of pids.sort((a, b) => a - b)) {
    // One that is not ours to know counts as its own: its table can be read all the same.
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

/** Whether the process has a FUSE device open, as a daemon of a mount does. False where that is not ours to know. */
export async function servesFuse(pid: number): Promise<boolean> {
  for (const fd of (await ifReadable(readdir(`/proc/${pid}/fd`))) ?? []) {
    if ((await ifReadable(readlink(`/proc/${pid}/fd/${fd}`))) === '/dev/fuse') return true;
  }
  return false;
}
