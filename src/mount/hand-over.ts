// Has another daemon go on with a mount: for an upgrade of stratafs while the mount is used.
import { closeSync } from 'node:fs';
import { type MountFacts, isMountFacts } from '../fuse/mounts/mount-facts.ts';
import { daemonOf } from '../fuse/mounts/mount-owner.ts';
import {
  EXIT_TIMEOUT_MS,
  MOUNT_XATTR,
  SilentMountError,
  askMount,
  describeAnswer,
  findMountAt,
} from '../fuse/mounts/mounts.ts';
import { openProcess, waitForExit } from '../sys/process-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import { HANDOVER_FORM } from './keeper/document.ts';

/** How often the next daemon is asked, while it starts on a busy machine. Each question takes a thread until it is answered. */
const MAX_QUESTIONS = 3;

/**
 * Asks the daemon of the mount at `mountpoint` (absolute) to hand over, and resolves when the next one answers, with its
 * process ID. InputError where the mount has no keeper, where this version can't go on with it, or where it ended.
 */
export async function handOverAt(mountpoint: string): Promise<number> {
  const found = await findMountAt(mountpoint);
  if (found === undefined) {
    throw new InputError(`${mountpoint}: not a stratafs mount`, { code: 'ERR_STRATAFS_NOT_MOUNTED' });
  }
  const { entry, answer } = found;
  if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
  if (answer.kind !== 'answered') throw new InputError(`${mountpoint}: ${describeAnswer(answer)}`);
  const { keeper, pid, handoverForm } = answer.json as MountFacts;
  if (keeper === undefined) {
    throw new InputError(
      `${mountpoint}: no other daemon can go on with this mount: only a read-only mount in the background has a keeper; unmount it and mount it again`,
    );
  }
  if (handoverForm !== HANDOVER_FORM) {
    throw new InputError(
      `${mountpoint}: was mounted by another version, whose file numbers (${handoverForm ?? 'none'}) this one (${HANDOVER_FORM}) doesn't know: unmount it and mount it again`,
    );
  }
  const daemon = await daemonOf(entry, pid);
  if (daemon === undefined) throw new InputError(`${mountpoint}: its daemon (pid ${pid ?? 0}) is not there`);
  await hangUp(mountpoint, daemon);
  let next = await askMount(mountpoint, MOUNT_XATTR);
  for (let count = 1; next.kind === 'silent' && count < MAX_QUESTIONS; count++)
    next = await askMount(mountpoint, MOUNT_XATTR);
  if (next.kind === 'silent') throw new SilentMountError(mountpoint);
  const facts = next.kind === 'answered' && isMountFacts(next.json) ? (next.json as MountFacts) : undefined;
  if (facts?.pid === undefined || facts.pid === daemon) {
    throw new InputError(
      `${mountpoint}: the next daemon could not go on with the mount, which has ended (see the system log)`,
    );
  }
  return facts.pid;
}

/** Returns when the daemon has ended. */
async function hangUp(mountpoint: string, daemon: number): Promise<void> {
  const process_ = openProcess(daemon);
  if (process_ < 0) throw new InputError(`${mountpoint}: its daemon (pid ${daemon}) is not there`);
  try {
    process.kill(daemon, 'SIGHUP');
    if ((await waitForExit(process_, EXIT_TIMEOUT_MS)) === 0) return;
    throw new InputError(`${mountpoint}: its daemon (pid ${daemon}) does not hand over`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new InputError(`${mountpoint}: only who mounted it, and root, can upgrade it`, { cause: error });
  } finally {
    closeSync(process_);
  }
}
