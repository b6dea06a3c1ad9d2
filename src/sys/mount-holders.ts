// Who keeps a mount busy: the processes that work in it, run from it, or hold a file of it open or mapped.
//
// Only links and tables in /proc are read, and compared as text: nothing touches the mount itself, which may hang.
// Processes of other users stay invisible to an unprivileged caller.
import { readFile, readdir, readlink } from 'node:fs/promises';
import { readMountTable } from './mount-table.ts';

export type HoldKind = 'works in' | 'has as its root' | 'runs' | 'has open' | 'has mapped';

export interface Holder {
  readonly pid: number;
  /** The process's name, comm. */
  readonly name: string;
  readonly kind: HoldKind;
  /** What it holds, an absolute path. */
  readonly path: string;
}

const links: readonly (readonly [string, HoldKind])[] = [
  ['cwd', 'works in'],
  ['root', 'has as its root'],
  ['exe', 'runs'],
];

/** The answer, or undefined: processes end while we look (ENOENT, ESRCH), others aren't ours (EACCES, EPERM). */
async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}

function isBeneath(path: string, mountPoint: string): boolean {
  return path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
}

interface Hold {
  readonly kind: HoldKind;
  readonly path: string;
}

async function findLink(process: string, mountPoint: string): Promise<Hold | undefined> {
  for (const [link, kind] of links) {
    const path = await ifReadable(readlink(`${process}/${link}`));
    if (path !== undefined && isBeneath(path, mountPoint)) return { kind, path };
  }
  return undefined;
}

async function findFile(process: string, mountPoint: string): Promise<Hold | undefined> {
  for (const fd of (await ifReadable(readdir(`${process}/fd`))) ?? []) {
    const path = await ifReadable(readlink(`${process}/fd/${fd}`));
    if (path !== undefined && isBeneath(path, mountPoint)) return { kind: 'has open', path };
  }
  const maps = await ifReadable(readFile(`${process}/maps`, 'utf8'));
  for (const line of maps?.includes(mountPoint) === true ? maps.split('\n') : []) {
    const start = line.indexOf('/');
    const path = line.slice(start);
    if (start > 0 && isBeneath(path, mountPoint)) return { kind: 'has mapped', path };
  }
  return undefined;
}

/** One hold of each process that keeps `mountPoint` busy, ordered by pid; this one too, if it works there. */
export async function findHolders(mountPoint: string): Promise<Holder[]> {
  const holders: Holder[] = [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    const directory = `/proc/${pid}`;
    // What this process has open is closed before it unmounts.
    const hold =
      (await findLink(directory, mountPoint)) ??
      (pid === process.pid ? undefined : await findFile(directory, mountPoint));
    if (hold === undefined) continue;
    const name = (await ifReadable(readFile(`/proc/${pid}/comm`, 'utf8')))?.trimEnd() ?? '?';
    holders.push({ pid, name, ...hold });
  }
  return holders;
}

/** Mount points of the mounts that lie beneath `mountPoint`: they keep it busy as well. */
export async function findSubmounts(mountPoint: string): Promise<string[]> {
  const table = await readMountTable();
  return table
    .map((entry) => entry.mountPoint)
    .filter((path) => path !== mountPoint && isBeneath(path, mountPoint));
}
