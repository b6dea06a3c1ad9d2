// Finds the processes that keep a mount busy: they work in it, run from it, or have a file of it open or mapped.
//
// It reads only links and tables in /proc and compares them as text. It never touches the mount itself, which may hang.
// An unprivileged caller doesn't see processes of other users.
import { readFile, readdir, readlink } from 'node:fs/promises';
import { readMountTable } from './mount-table.ts';

export type HoldKind = 'works in' | 'has as its root' | 'runs' | 'has open' | 'has mapped';

export interface Holder {
  readonly pid: number;
  /** The process name (comm). */
  readonly name: string;
  readonly kind: HoldKind;
  /** The path that it holds, absolute. */
  readonly path: string;
}

const links: readonly (readonly [string, HoldKind])[] = [
  ['cwd', 'works in'],
  ['root', 'has as its root'],
  ['exe', 'runs'],
];

/** The result; undefined if the process has ended (ENOENT, ESRCH) or belongs to another user (EACCES, EPERM). */
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

/** One hold per process that keeps `mountPoint` busy, ordered by pid. Includes this process if it works there. */
export async function findHolders(mountPoint: string): Promise<Holder[]> {
  const holders: Holder[] = [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    const directory = `/proc/${pid}`;
    // This process closes its own open files before it unmounts.
    const hold =
      (await findLink(directory, mountPoint)) ??
      (pid === process.pid ? undefined : await findFile(directory, mountPoint));
    if (hold === undefined) continue;
    const name = (await ifReadable(readFile(`/proc/${pid}/comm`, 'utf8')))?.trimEnd() ?? '?';
    holders.push({ pid, name, ...hold });
  }
  return holders;
}

/** The mount points beneath `mountPoint`, which keep it busy too. */
export async function findSubmounts(mountPoint: string): Promise<string[]> {
  const table = await readMountTable();
  return table
    .map((entry) => entry.mountPoint)
    .filter((path) => path !== mountPoint && isBeneath(path, mountPoint));
}
