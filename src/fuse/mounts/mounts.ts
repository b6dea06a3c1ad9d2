// The stratafs mounts that exist. FUSE mounts are found without any file or socket of our own: the mount table names them,
// and each answers for itself through xattrs of its root that only it knows. A mount that the kernel serves (EROFS) has a
// record (src/erofs/mounts/records.ts).
//
// A mount may be dead (its daemon is gone: ENOTCONN) or silent (its daemon doesn't answer, and may never).
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { askXattr } from '../../sys/process-calls.ts';
import { type MountEntry, mountAt, readMountTable } from '../../sys/mount-table.ts';
import { ECONNABORTED, EINVAL, ENOTCONN, ESTALE, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { FUSE_TYPE } from './kernel-mount.ts';
import { findRecord, isAnyChanged, isRunning } from '../../erofs/mounts/records.ts';
import { askStatistics } from '../../erofs/mounts/statistics-socket.ts';
import { type MountFacts, isMountFacts } from './mount-facts.ts';

/** Xattrs of a mount's root, answered by its daemon with JSON; never listed. */
export const MOUNT_XATTR = 'user.stratafs.mount';
export const STATISTICS_XATTR = 'user.stratafs.stats';
export const PARTS_XATTR = 'user.stratafs.parts';

/** Not in node:fs; the same on all architectures that Node runs on. */
const O_PATH = 0o10000000;
/** How long a mount may take to answer before it counts as silent. */
const ANSWER_TIMEOUT_MS = 5000;
/** How long a daemon may take to end after its mount is gone. */
export const EXIT_TIMEOUT_MS = 10_000;

/** The answer to an xattr that only a living stratafs mount has. */
export type MountAnswer =
  | { readonly kind: 'answered'; readonly json: unknown }
  /** The daemon is gone. */
  | { readonly kind: 'dead' }
  /** No answer in time. A pool thread still waits for it: leave by `exitNow`. */
  | { readonly kind: 'silent' }
  /** It is another user's, or no mount of this version. */
  | { readonly kind: 'refused'; readonly errno: number };

export interface FoundMount {
  readonly entry: MountEntry;
  readonly answer: MountAnswer;
}

/** A mount that did not answer in time: whoever reports this has to leave by `exitNow`. */
export class SilentMountError extends InputError {
  constructor(mountpoint: string) {
    super(
      `${mountpoint}: the mount does not answer (its daemon is stopped or stuck); stratafs unmount --lazy detaches it`,
      { code: 'ERR_STRATAFS_SILENT' },
    );
    this.name = 'SilentMountError';
  }
}

/** Asks the mount at `mountpoint` for one of its own xattrs. */
export function askMount(mountpoint: string, xattr: string): Promise<MountAnswer> {
  return answerInTime(askXattr(mountpoint, xattr));
}

/**
 * Asks the mount `entry` what it is. By a descriptor: whoever owns a directory above the mount point could put another mount
 * in this one's place once the table was read.
 */
async function askEntry({ id, mountPoint }: MountEntry): Promise<MountAnswer> {
  const ask = async (): Promise<Buffer | number> => {
    const directory = await open(mountPoint, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      const about = await readFile(`/proc/self/fdinfo/${directory.fd}`, 'latin1');
      if (Number(/^mnt_id:\s*(\d+)$/m.exec(about)?.[1]) !== id) return -ESTALE;
      return await askXattr(`/proc/self/fd/${directory.fd}`, MOUNT_XATTR);
    } finally {
      await directory.close();
    }
  };
  const answer = ask().catch((error: unknown) => {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return errno;
  });
  return checkFacts(await answerInTime(answer));
}

/** `answer`; refused if it has not the form of MountFacts: any user may mount a FUSE file system that answers anything. */
export function checkFacts(answer: MountAnswer): MountAnswer {
  const isForeign = answer.kind === 'answered' && !isMountFacts(answer.json);
  return isForeign ? { kind: 'refused', errno: -EINVAL } : answer;
}

async function answerInTime(question: Promise<Buffer | number>): Promise<MountAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), ANSWER_TIMEOUT_MS);
  });
  const answer = await Promise.race([question, timeout]);
  clearTimeout(timer);
  if (answer === 'silent') return { kind: 'silent' };
  // ECONNABORTED: the daemon died with our question unanswered.
  if (answer === -ENOTCONN || answer === -ECONNABORTED) return { kind: 'dead' };
  if (typeof answer === 'number') return { kind: 'refused', errno: answer };
  try {
    return { kind: 'answered', json: JSON.parse(answer.toString('utf8')) };
  } catch {
    // Another program's mount under our name.
    return { kind: 'refused', errno: -EINVAL };
  }
}

/** The stratafs mounts of this mount namespace that can be seen (one that another mount covers can't). None is asked. */
export async function listMounts(): Promise<MountEntry[]> {
  const table = await readMountTable();
  return table.filter((entry) => isStratafs(entry) && mountAt(table, entry.mountPoint) === entry);
}

/** Whether stratafs has mounted it. */
export function isStratafs(entry: MountEntry): boolean {
  return entry.type === FUSE_TYPE || findRecord(entry) !== undefined;
}

/** Whether the kernel serves a mount of stratafs, without FUSE. */
export function isKernelMount({ type }: MountEntry): boolean {
  return type !== FUSE_TYPE;
}

/** What a mount is: its daemon says it, or its record. */
async function describeEntry(entry: MountEntry): Promise<MountAnswer> {
  if (entry.type === FUSE_TYPE) return askEntry(entry);
  const record = findRecord(entry);
  if (record === undefined) return { kind: 'refused', errno: -ESTALE };
  const { facts, files } = record;
  if (record.daemon !== undefined && !isRunning(record.daemon)) return { kind: 'dead' };
  const { missingBytes } = facts as Partial<MountFacts>;
  const changing = {
    ...(isAnyChanged(files) ? { isSourceChanged: true } : {}),
    ...(missingBytes === undefined ? {} : { missingBytes: await askMissingBytes(entry, missingBytes) }),
  };
  return checkFacts({ kind: 'answered', json: { ...facts, ...changing } });
}

/** What its process says now; only root gets an answer, and others what was missing when it was mounted. */
async function askMissingBytes({ device }: MountEntry, recorded: number): Promise<number> {
  const counted = (await askStatistics(device)) as
    { readonly transfers?: { readonly missingBytes?: number } } | undefined;
  return counted?.transfers?.missingBytes ?? recorded;
}

/** Those mounts, and what each answers. */
export async function findMounts(): Promise<FoundMount[]> {
  const entries = await listMounts();
  return Promise.all(entries.map(async (entry) => ({ entry, answer: await describeEntry(entry) })));
}

/** The stratafs mount at `mountpoint` (absolute), or undefined. */
export async function findMountAt(mountpoint: string): Promise<FoundMount | undefined> {
  const entry = mountAt(await readMountTable(), mountpoint);
  if (entry === undefined || !isStratafs(entry)) return undefined;
  return { entry, answer: await describeEntry(entry) };
}

/** Of any program: by its type, whatever its subtype. */
export function isFuse({ type }: MountEntry): boolean {
  return /^fuse(blk)?(\.|$)/.test(type);
}

/** Why there is no answer, for a message. */
export function describeAnswer(answer: Exclude<MountAnswer, { kind: 'answered' }>): string {
  switch (answer.kind) {
    case 'dead':
      return 'its daemon is gone';
    case 'silent':
      return 'it does not answer';
    case 'refused':
      return errnoName(answer.errno);
  }
}
