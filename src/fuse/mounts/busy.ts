// The lines that say why a mount can't be unmounted now, or goes on after it.
import { type Holder, findHolders, findSubmounts } from '../../sys/mount-holders.ts';
import { type NamespaceMount, findInOtherNamespaces } from '../../sys/mount-namespaces.ts';
import { type MountEntry, readMountTable } from '../../sys/mount-table.ts';

/** So many are named; the others are counted. */
const NAMED = 5;

/** "DIR is busy: bash (pid 12) works in it, tail (pid 13) has DIR/log open". */
export async function describeHolders(mountpoint: string): Promise<string> {
  const unseen =
    process.geteuid?.() === 0
      ? 'nothing in /proc shows why (a loop device, another mount, or a process of another container)'
      : 'only root can see which process uses it';
  const holders = (await findHolders(mountpoint)).map((holder) => describeHolder(holder, mountpoint));
  const submounts = (await findSubmounts(mountpoint)).map((path) => `${path} is mounted in it`);
  const all = [...holders, ...submounts];
  return `${mountpoint} is busy: ${all.length === 0 ? unseen : joinSome(all)}`;
}

function joinSome(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? [`${texts.length - NAMED} more`] : [];
  return [...texts.slice(0, NAMED), ...rest].join(', ');
}

/** What keeps a file system alive that is unmounted at its mount point. */
export interface Copies {
  /** Other mounts of it in this mount namespace (mount --bind). */
  readonly here: readonly MountEntry[];
  /** Those of other mount namespaces. */
  readonly elsewhere: readonly NamespaceMount[];
}

/** The mounts of the file system `device` ("major:minor") that `isWanted`; undefined where there are none. */
export async function findCopies(
  device: string,
  isWanted: (entry: MountEntry) => boolean = () => true,
): Promise<Copies | undefined> {
  const isCopy = (entry: MountEntry): boolean => entry.device === device && isWanted(entry);
  const here = (await readMountTable()).filter(isCopy);
  const elsewhere = await findInOtherNamespaces(isCopy);
  return here.length === 0 && elsewhere.length === 0 ? undefined : { here, elsewhere };
}

/**
 * Runs `detach`, and returns the mounts of the file system that go on after it. They are looked for before it, too: once
 * a file system is gone, the next one that anybody mounts gets its device number.
 */
export async function detachAndFindCopies(
  { device, mountPoint }: Pick<MountEntry, 'device' | 'mountPoint'>,
  detach: () => Promise<void>,
): Promise<Copies | undefined> {
  const before = await findCopies(device);
  const [here, elsewhere] = [before?.here ?? [], before?.elsewhere ?? []];
  const ids = new Set([...here, ...elsewhere.map(({ entry }) => entry)].map(({ id }) => id));
  // Also listed by processes of this very namespace, whose namespace this user may not know. The ID is free after it.
  for (const { id } of here.filter((entry) => entry.mountPoint === mountPoint)) ids.delete(id);
  await detach();
  return ids.size === 0 ? undefined : findCopies(device, ({ id }) => ids.has(id));
}

/** "DIR: unmounted, but the mount namespace of sh (pid 12), sleep (pid 13) still has it". */
export function describeCopies(mountpoint: string, { here, elsewhere }: Copies): string {
  const processes = new Map(
    elsewhere.flatMap((each) => each.processes.map(({ pid, name }) => [pid, name] as const)),
  );
  const holders = [...processes].map(([pid, name]) => `${name} (pid ${pid})`);
  const reasons = [
    ...(here.length === 0
      ? []
      : [`it is also mounted on ${joinSome(here.map(({ mountPoint }) => mountPoint))}`]),
    ...(holders.length === 0 ? [] : [`the mount namespace of ${joinSome(holders)} still has it`]),
  ];
  return `${mountpoint}: unmounted, but ${reasons.join(', and ')}`;
}

function describeHolder({ pid, name, kind, path }: Holder, mountpoint: string): string {
  const who = `${name} (pid ${pid})`;
  switch (kind) {
    case 'has open':
      return `${who} has ${path} open`;
    case 'has mapped':
      return `${who} has mapped ${path}`;
    default:
      return `${who} ${kind} ${path === mountpoint ? 'it' : path}`;
  }
}
