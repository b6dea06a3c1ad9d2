// The stratafs mounts of this machine: listed, and unmounted, by whichever process they are served.
import {
  type FoundMount,
  type HeldMount,
  type MountFacts,
  findHeldMounts,
  findMounts,
  handOverAt,
  locateMountPoint,
  unmountAt,
} from '../mount/mount.ts';

/**
 * 'dead': its daemon is gone. 'silent': its daemon does not answer. 'refused': it does not answer this user. 'held': it was
 * unmounted here, and other mount namespaces still have it.
 */
export type MountState = 'mounted' | 'dead' | 'silent' | 'refused' | 'held';

/** A mount of any process. */
export interface ListedMount extends Partial<Omit<MountFacts, 'source'>> {
  /** The image's source; of a mount that does not answer, what the mount table shows. */
  readonly source: string;
  /** Absolute. */
  readonly mountpoint: string;
  readonly state: MountState;
  /** Of a mount that is held: the processes whose mount namespaces have it. */
  readonly heldBy?: HeldMount['processes'];
}

/**
 * The stratafs mounts of this mount namespace, then those that only other namespaces have. A mount that does not answer within
 * five seconds is listed as 'silent'; a thread of this process then waits for it until the mount ends, and so does
 * `process.exit()`.
 */
export async function listMounts(): Promise<ListedMount[]> {
  const [found, held] = await Promise.all([findMounts(), findHeldMounts()]);
  return [...found.map(describeFound), ...held.map(describeHeld)];
}

function describeFound({ entry, answer }: FoundMount): ListedMount {
  const state = answer.kind === 'answered' ? 'mounted' : answer.kind;
  return describe(entry, answer.kind === 'answered' ? (answer.json as Partial<MountFacts>) : {}, state);
}

function describeHeld({ entry, facts, processes }: HeldMount): ListedMount {
  return { ...describe(entry, facts ?? {}, facts === undefined ? 'silent' : 'held'), heldBy: processes };
}

function describe(entry: FoundMount['entry'], facts: Partial<MountFacts>, state: MountState): ListedMount {
  return { ...facts, source: facts.source ?? entry.source, mountpoint: entry.mountPoint, state };
}

/** At most one of the two. */
export interface UnmountOptions {
  /** True: detaches the mount now, and waits for nobody. Open files are served until they are closed. */
  readonly lazy?: boolean | undefined;
  /** True: ends the file system, whoever uses it, in other mount namespaces too: those get ENOTCONN. */
  readonly force?: boolean | undefined;
}

/**
 * Unmounts the stratafs mount at `mountpoint`, whichever process serves it, and resolves when that has ended. Rejects with an
 * InputError where no stratafs mount is there, or processes use it: then it stays, and the message lists them.
 */
export async function unmount(
  mountpoint: string,
  { lazy = false, force = false }: UnmountOptions = {},
): Promise<void> {
  await unmountAt(await locateMountPoint(mountpoint), force ? 'aborted' : lazy ? 'lazy' : 'when-free');
}

/**
 * Has another daemon, of the version that is installed where the mount was made, go on with the mount at `mountpoint`; resolves
 * when it answers. Rejects with an InputError where the mount can't survive its daemon, and stays as it is.
 */
export async function upgrade(mountpoint: string): Promise<void> {
  await handOverAt(await locateMountPoint(mountpoint));
}

export {
  type FoundMount,
  type MountStatistics,
  type TransferStatistics,
  SilentMountError,
  findHeldMounts,
  findMounts,
  isOwnMount,
  listMounts as listMountTable,
  locateMountPoint,
  readStatistics,
  unmountFuseAt,
} from '../mount/mount.ts';
