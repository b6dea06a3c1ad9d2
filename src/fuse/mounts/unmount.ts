// Unmounting what stratafs, or another program, has mounted: by whomever it is served.
import { closeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type MountEntry, mountAt, readMountTable } from '../../sys/mount-table.ts';
import { openProcess, waitForExit } from '../../sys/process-calls.ts';
import { ErrnoError, EBUSY, EINVAL } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { describeCopies, describeHolders, detachAndFindCopies } from './busy.ts';
import { endConnection, findHeldMounts } from './held-mounts.ts';
import { removeRecord } from '../../erofs/mounts/records.ts';
import { type Detachment, FUSE_TYPE, detach } from './kernel-mount.ts';
import { daemonOf, isOwnMount } from './mount-owner.ts';
import type { MountFacts } from './mount-facts.ts';
import {
  EXIT_TIMEOUT_MS,
  MOUNT_XATTR,
  type MountAnswer,
  SilentMountError,
  askMount,
  findMountAt,
  isFuse,
  isStratafs,
} from './mounts.ts';

/** 'aborted': detached, and its connection is ended for everybody who still uses it. */
export type Unmounting = Detachment | 'aborted';

/**
 * Unmounts the stratafs mount at `mountpoint` (absolute). 'when-free' and 'aborted' wait until its daemon has ended; the
 * others wait for nobody. InputError where none is there, where it is busy (the holders are listed), silent, or where
 * other mount namespaces keep it alive.
 */
export async function unmountAt(
  mountpoint: string,
  how: Unmounting,
  watchShared: WatchShared = () => Promise.resolve(undefined),
): Promise<void> {
  const entry = mountAt(await readMountTable(), mountpoint);
  if (entry === undefined || !isStratafs(entry)) return unmountHeld(mountpoint, entry, how);
  if (entry.type !== FUSE_TYPE) return unmountKernelMount(entry, how);
  // Asking a mount that hangs would keep it busy: detaching doesn't ask.
  if (how === 'lazy' || how === 'forced') return detachFound(mountpoint, how);
  const answer = await askMount(mountpoint, MOUNT_XATTR);
  if (how === 'aborted') {
    const isSilent = answer.kind === 'silent';
    await detachFound(mountpoint, isSilent ? 'abandoned' : 'lazy');
    if (answer.kind === 'dead' || (isSilent && process.geteuid?.() === 0)) return;
    // A daemon of many mounts goes on without this one.
    const pid = sharedSocketOf(answer) === undefined ? lastOf(answer) : undefined;
    return endConnection(entry.device, mountpoint, await daemonOf(entry, pid));
  }
  if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
  // What a dead mount still holds is lost already.
  if (answer.kind === 'dead') return detachFound(mountpoint, 'lazy');
  const socket = sharedSocketOf(answer);
  // Another user's word for where a socket is, is not taken.
  const shared =
    socket === undefined || !isOwnMount(entry) ? undefined : await watchShared(socket, mountpoint);
  const daemon = socket === undefined ? openDaemon(await daemonOf(entry, lastOf(answer))) : undefined;
  try {
    const copies = await detachAndFindCopies(entry, () => detachFound(mountpoint, how));
    if (copies !== undefined) {
      throw new InputError(`${describeCopies(mountpoint, copies)}; ${forceHint(mountpoint)}`, {
        code: 'ERR_STRATAFS_COPIED',
      });
    }
    await waitForDaemon(mountpoint, daemon);
    if (shared !== undefined) await endedInTime(mountpoint, shared);
  } finally {
    daemon?.close();
    shared?.close();
  }
}

/** A mount that a daemon serves among others, and whose end it reports. */
export interface SharedMount {
  /** Resolves when the daemon has closed all of it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Watches the mount at `mountpoint` of the daemon with the socket; undefined where that daemon can't be asked. */
export type WatchShared = (socket: string, mountpoint: string) => Promise<SharedMount | undefined>;

function sharedSocketOf(answer: MountAnswer): string | undefined {
  return answer.kind === 'answered' ? (answer.json as Partial<MountFacts>).daemon : undefined;
}

/** InputError where the daemon goes on with it. */
async function endedInTime(mountpoint: string, { ended }: SharedMount): Promise<void> {
  const timeout = new AbortController();
  const late = setTimeout(EXIT_TIMEOUT_MS, true, { signal: timeout.signal }).catch(() => false);
  const isLate = await Promise.race([ended.then(() => false), late]);
  timeout.abort();
  if (isLate) throw new InputError(`${mountpoint}: unmounted, but its daemon has not closed it yet`);
}

interface OpenDaemon {
  readonly pid: number;
  readonly fd: number;
  close(): void;
}

/** The daemon, to be waited for: undefined where there is none, it has ended, or it is this process. */
function openDaemon(pid: number | undefined): OpenDaemon | undefined {
  const fd = pid !== undefined && pid !== process.pid ? openProcess(pid) : -1;
  return pid === undefined || fd < 0 ? undefined : { pid, fd, close: () => closeSync(fd) };
}

/** InputError where it goes on. */
async function waitForDaemon(mountpoint: string, daemon: OpenDaemon | undefined): Promise<void> {
  if (daemon === undefined || (await waitForExit(daemon.fd, EXIT_TIMEOUT_MS)) === 0) return;
  throw new InputError(`${mountpoint}: unmounted, but its daemon (pid ${daemon.pid}) is still running`);
}

/** A mount that the kernel serves can't be ended for those who still use it: 'aborted' detaches it. */
async function unmountKernelMount(entry: MountEntry, how: Unmounting): Promise<void> {
  const { mountPoint } = entry;
  const answer = (await findMountAt(mountPoint))?.answer;
  const daemon = openDaemon(answer === undefined ? undefined : await daemonOf(entry, pidOf(answer)));
  try {
    const detachment = how === 'aborted' ? 'lazy' : how;
    const copies = await detachAndFindCopies(entry, () => detachFound(mountPoint, detachment));
    if (copies !== undefined) {
      if (how === 'lazy') return;
      throw new InputError(describeCopies(mountPoint, copies), { code: 'ERR_STRATAFS_COPIED' });
    }
    removeRecord(entry.device);
    if (how === 'when-free') await waitForDaemon(mountPoint, daemon);
  } finally {
    daemon?.close();
  }
}

function pidOf(answer: MountAnswer): unknown {
  return answer.kind === 'answered' ? (answer.json as Partial<MountFacts>).pid : undefined;
}

/** The process that ends last: the keeper, if there is one. */
function lastOf(answer: MountAnswer): unknown {
  const keeper = answer.kind === 'answered' ? (answer.json as Partial<MountFacts>).keeper : undefined;
  return keeper ?? pidOf(answer);
}

const forceHint = (mountpoint: string): string => `stratafs unmount --force ${mountpoint} ends it`;

/** No stratafs mount is here: an earlier one may be held by other mount namespaces. */
async function unmountHeld(
  mountpoint: string,
  entry: MountEntry | undefined,
  how: Unmounting,
): Promise<void> {
  const [held] = await findHeldMounts(mountpoint);
  if (held === undefined) {
    const what =
      entry === undefined
        ? 'nothing is mounted there'
        : `a file system of type ${entry.type} is mounted there`;
    throw new InputError(`${mountpoint}: found that ${what}, expected a stratafs mount`, {
      code: 'ERR_STRATAFS_NOT_MOUNTED',
    });
  }
  if (how === 'aborted') {
    const pid = held.facts?.daemon === undefined ? (held.facts?.keeper ?? held.facts?.pid) : undefined;
    return endConnection(held.entry.device, mountpoint, await daemonOf(held.entry, pid));
  }
  if (held.facts === undefined) throw new SilentMountError(mountpoint);
  const copies = { here: [], elsewhere: [held] };
  throw new InputError(`${describeCopies(mountpoint, copies)}; ${forceHint(mountpoint)}`, {
    code: 'ERR_STRATAFS_COPIED',
  });
}

/** As `unmountAt`; another program's FUSE mount is unmounted too, and nobody waited for. */
export async function unmountFuseAt(
  mountpoint: string,
  how: Detachment,
  watchShared?: WatchShared,
): Promise<void> {
  const entry = mountAt(await readMountTable(), mountpoint);
  if (entry === undefined || entry.type === FUSE_TYPE || !isFuse(entry)) {
    return unmountAt(mountpoint, how, watchShared);
  }
  await detachFound(mountpoint, how);
}

/** Detaches a mount that is in the table; failures become lines for people. */
async function detachFound(mountpoint: string, how: Detachment): Promise<void> {
  try {
    await detach(mountpoint, how);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    if (error.errno === -EBUSY)
      throw new InputError(await describeHolders(mountpoint), { code: 'ERR_STRATAFS_BUSY', cause: error });
    // fusermount3 finds no mount of this user there, and umount2(2) allowed none.
    if (error.errno === -EINVAL) {
      throw new InputError(`${mountpoint}: only who mounted it, and root, can unmount it`, { cause: error });
    }
    throw error;
  }
}
