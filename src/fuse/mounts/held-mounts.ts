// Mounts that were unmounted where their daemon lives, and that other mount namespaces still have: their daemons go on,
// and our mount table does not list them.
import { closeSync } from 'node:fs';
import { openProcess, waitForExit } from '../../sys/process-calls.ts';
import {
  type NamespaceMount,
  type NamespaceProcess,
  findInOtherNamespaces,
  mountNamespaceOf,
  servesFuse,
} from '../../sys/mount-namespaces.ts';
import { type MountEntry, parseMountTable, readMountTable } from '../../sys/mount-table.ts';
import { readFile } from 'node:fs/promises';
import { InputError } from '../../vfs/input-error.ts';
import { abortConnection } from './connection.ts';
import { FUSE_TYPE } from './kernel-mount.ts';
import type { MountFacts } from './mount-facts.ts';
import { EXIT_TIMEOUT_MS, MOUNT_XATTR, askMount, checkFacts } from './mounts.ts';

export interface HeldMount {
  /** As the first of `processes` sees it. */
  readonly entry: MountEntry;
  /** What the mount says of itself; undefined where it did not answer in time: leave by `exitNow`. */
  readonly facts: Partial<MountFacts> | undefined;
  /** Those of the namespaces that have it, ordered by pid. */
  readonly processes: readonly NamespaceProcess[];
}

/**
 * The mounts, on `mountpoint` or anywhere, that only other mount namespaces have, and whose daemon's own namespace has
 * them no more. Those that refuse this user an answer are left out, and so is what a daemon serves inside its own
 * namespace.
 */
export async function findHeldMounts(mountpoint?: string): Promise<HeldMount[]> {
  const here = new Set((await readMountTable()).map(({ device }) => device));
  const copies = await findInOtherNamespaces(
    (entry) =>
      entry.type === FUSE_TYPE &&
      !here.has(entry.device) &&
      (mountpoint === undefined || entry.mountPoint === mountpoint),
  );
  const byDevice = new Map<string, NamespaceMount[]>();
  for (const copy of copies) {
    byDevice.set(copy.entry.device, [...(byDevice.get(copy.entry.device) ?? []), copy]);
  }
  const held = await Promise.all([...byDevice.values()].map(describeCopy));
  return held.filter((each) => each !== undefined);
}

async function describeCopy(copies: readonly NamespaceMount[]): Promise<HeldMount | undefined> {
  const [first] = copies;
  if (first === undefined) return undefined;
  const { entry } = first;
  const root = `/proc/${first.processes[0]?.pid ?? 0}/root`;
  const answer = checkFacts(await askMount(root + entry.mountPoint, MOUNT_XATTR));
  if (answer.kind !== 'answered' && answer.kind !== 'silent') return undefined;
  const facts = answer.kind === 'answered' ? (answer.json as Partial<MountFacts>) : undefined;
  if (facts !== undefined && (facts.pid === undefined || (await isMountedFor(facts.pid, entry.device)))) {
    return undefined;
  }
  const processes = new Map(
    copies.flatMap((each) => each.processes.map((process) => [process.pid, process])),
  );
  return { entry, facts, processes: [...processes.values()].sort((a, b) => a.pid - b.pid) };
}

/** True if the daemon's own namespace has the mount, or if `pid` is not a daemon of this PID namespace. */
async function isMountedFor(pid: number, device: string): Promise<boolean> {
  if ((await mountNamespaceOf(pid)) === undefined || !(await servesFuse(pid))) return true;
  const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
  return parseMountTable(table).some((entry) => entry.device === device);
}

/**
 * Ends the file system `device`, whoever uses it, and waits for its daemon; InputError where this user may not, or the
 * daemon goes on.
 */
export async function endConnection(device: string, place: string, pid: number | undefined): Promise<void> {
  const daemon = pid !== undefined && pid > 0 && pid !== process.pid ? openProcess(pid) : -1;
  try {
    try {
      await abortConnection(device);
    } catch (error) {
      // fusectl is not mounted: a daemon that has no mount of its own any more ends by SIGTERM.
      if (daemon < 0 || pid === undefined) throw error;
      process.kill(pid, 'SIGTERM');
    }
    if (daemon >= 0 && (await waitForExit(daemon, EXIT_TIMEOUT_MS)) !== 0) {
      throw new InputError(
        `${place}: the connection is aborted, but its daemon (pid ${pid ?? 0}) is still running`,
      );
    }
  } finally {
    if (daemon >= 0) closeSync(daemon);
  }
}
