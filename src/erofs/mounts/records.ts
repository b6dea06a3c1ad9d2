// Records of the mounts that the kernel serves by itself. Such a mount has no daemon that could say what it is, so root
// writes that down when it mounts:
//
//   /run/stratafs/mounts/<major>-<minor>.json        the mount whose st_dev is <major>:<minor>
//   /run/stratafs/mounts/pending-<pid>-<n>.json      a mount that is being made: its place is known, not its device
//
// A pending record is written before mount(2), so a mount whose maker was killed in between has a record too.
//
// A record counts only for an entry of the mount table with the same device, type and source, since the same start of the
// machine. So a record that is left over after umount(8) is never mistaken for another mount. Anybody may read records;
// only root can have written one that is believed.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { draftName } from '../../sys/drafts.ts';
import { fileStateOf } from '../../sys/file-state.ts';
import type { MountEntry } from '../../sys/mount-table.ts';
import { processStart } from '../../sys/process-start.ts';
import { examinePath } from '../../sys/trusted-path.ts';
import type { FileState } from '../../vfs/blob-reader.ts';
import { RUN_DIRECTORY, cantRecord, makeRunDirectory } from './run-directory.ts';

const RECORDS = join(RUN_DIRECTORY, 'mounts');
/** The types of mounts that can have a record: the image itself, or kernel overlayfs over it. */
const TYPES: readonly string[] = ['erofs', 'overlay'];
/** Changes when the fields change. */
const VERSION = 2;
const MAX_SIZE = 1 << 20;
const PENDING = 'pending-';
const LOOP_DEVICE = /^\/dev\/loop\d+$/;
const OTHERS_WRITE = 0o022;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that holds layers, as it was when it was mounted. */
export interface RecordedFile extends FileState {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/** What a record says of a mount. */
export interface MountRecord {
  /** As a daemon would answer (MountFacts). */
  readonly facts: object;
  readonly files: readonly RecordedFile[];
  /** The process that the mount needs; undefined where the kernel alone serves it. */
  readonly daemon?: RecordedProcess | undefined;
}

export interface RecordedProcess {
  readonly pid: number;
  /** As `processStart`. */
  readonly start: string | undefined;
}

interface StoredRecord extends MountRecord {
  readonly version: number;
  /** The start of the machine: devices are numbered anew after the next one. */
  readonly boot: string;
  /** The mount namespace that the mount was made in. */
  readonly namespace: string;
  /** Empty as long as the mount is being made. */
  readonly device: string;
  readonly type: string;
  /** As the mount table shows it. */
  readonly source: string;
  readonly mountPoint: string;
}

type Identity = Pick<MountEntry, 'device' | 'type' | 'source' | 'mountPoint'>;

/** A record that was written. */
export interface WrittenRecord {
  /** Idempotent. */
  remove(): void;
}

/**
 * Writes the record of a mount that is about to be made. It counts until it is removed, which is up to the caller, or until
 * the next mount finds it without a mount. InputError where it can't be written.
 */
export function announceMount(mount: Omit<Identity, 'device'>, record: MountRecord): WrittenRecord {
  makeRunDirectory(RECORDS);
  const path = join(RECORDS, `${PENDING}${process.pid}-${randomBytes(4).toString('hex')}.json`);
  write(path, { ...mount, device: '' }, record);
  return { remove: () => rmSync(path, { force: true }) };
}

/** Writes the record of a mount; records of this namespace whose mounts are gone are removed. InputError where it can't be. */
export function writeRecord(entry: Identity, record: MountRecord, table: readonly MountEntry[]): void {
  makeRunDirectory(RECORDS);
  write(pathOf(entry.device), entry, record);
  removeStale(table);
}

function write(path: string, { device, type, source, mountPoint }: Identity, record: MountRecord): void {
  const draft = draftName(path);
  const stored: StoredRecord = {
    ...{ version: VERSION, ...here(), device, type, source, mountPoint },
    ...record,
  };
  try {
    writeFileSync(draft, JSON.stringify(stored), { flag: 'wx', mode: 0o644 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw cantRecord(error);
  }
}

/** The record of the mount `entry`; undefined if it has none. */
export function findRecord(entry: Identity): MountRecord | undefined {
  if (!TYPES.includes(entry.type)) return undefined;
  const stored = readStored(pathOf(entry.device));
  if (stored !== undefined && isRecordOf(stored, entry)) return stored;
  return listRecords((name) => name.startsWith(PENDING)).find((each) => isRecordOf(each, entry));
}

/** Whether the process of a record still runs. */
export function isRunning({ pid, start }: RecordedProcess): boolean {
  return start !== undefined && processStart(pid) === start;
}

/** Once the mount with this device is gone from all of the namespace. */
export function removeRecord(device: string): void {
  rmSync(pathOf(device), { force: true });
  rmSync(statisticsSocketOf(device), { force: true });
}

/** The socket by which the process of a mount states what it counted, if it has one (statistics-socket.ts). */
export function statisticsSocketOf(device: string): string {
  return join(RECORDS, `${device.replace(':', '-')}.sock`);
}

/** True if a file was written to, in place, since it was mounted. A file that was moved away is not looked for. */
export function isAnyChanged(files: readonly RecordedFile[]): boolean {
  return files.some((file) => {
    try {
      const stats = statSync(file.path, { bigint: true });
      const { size, mtimeSec, mtimeNsec } = fileStateOf(stats);
      const isSame = Number(stats.dev) === file.dev && Number(stats.ino) === file.ino;
      return isSame && (size !== file.size || mtimeSec !== file.mtimeSec || mtimeNsec !== file.mtimeNsec);
    } catch {
      return false; // ENOENT, EACCES: unknown
    }
  });
}

const pathOf = (device: string): string => join(RECORDS, `${device.replace(':', '-')}.json`);

function here(): { readonly boot: string; readonly namespace: string } {
  return {
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    namespace: readlinkSync('/proc/self/ns/mnt'),
  };
}

/** Whether a record of this start of the machine is that of the mount `entry`. */
export function isRecordOf(record: Identity, entry: Identity): boolean {
  if (record.type !== entry.type) return false;
  if (record.device !== '') return record.device === entry.device && record.source === entry.source;
  if (record.mountPoint !== entry.mountPoint) return false;
  // An image that the kernel can't mount as a file: which loop device it becomes is not known before.
  return record.source === entry.source || (entry.type === 'erofs' && LOOP_DEVICE.test(entry.source));
}

/** A record of this start of the machine. */
function readStored(path: string): StoredRecord | undefined {
  const stored = readAnyStored(path);
  return stored?.boot === here().boot ? stored : undefined;
}

/** Undefined for what is missing, malformed, or not root's. */
function readAnyStored(path: string): StoredRecord | undefined {
  let fd: number;
  try {
    fd = openSync(path, READ_FLAGS);
  } catch {
    return undefined; // ENOENT: no record. ELOOP, EACCES: none that is believed.
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.uid !== 0 || (stats.mode & OTHERS_WRITE) !== 0) return undefined;
    if (stats.size > MAX_SIZE || examinePath(RECORDS).kind !== 'trusted') return undefined;
    const json: unknown = JSON.parse(readFileSync(fd, 'utf8'));
    return isStored(json) ? json : undefined;
  } catch {
    return undefined; // torn or foreign: SyntaxError
  } finally {
    closeSync(fd);
  }
}

function isStored(json: unknown): json is StoredRecord {
  if (typeof json !== 'object' || json === null) return false;
  const { version, boot, namespace, device, type, source, mountPoint, facts, files } =
    json as Partial<StoredRecord>;
  return (
    version === VERSION &&
    [boot, namespace, device, type, source, mountPoint].every((text) => typeof text === 'string') &&
    typeof facts === 'object' &&
    Array.isArray(files)
  );
}

/**
 * The mounts that records of this start of the machine name, whether they still exist or not. `isWanted` chooses files by
 * name.
 */
export function listRecords(isWanted: (name: string) => boolean = () => true): (MountRecord & Identity)[] {
  let names: string[];
  try {
    names = readdirSync(RECORDS);
  } catch {
    return []; // ENOENT: there never was one
  }
  return names
    .filter((name) => name.endsWith('.json') && isWanted(name))
    .map((name) => readStored(join(RECORDS, name)))
    .filter((stored) => stored !== undefined);
}

/** Records of other namespaces stay: our mount table does not show their mounts. */
function removeStale(table: readonly MountEntry[]): void {
  const { boot, namespace } = here();
  for (const name of readdirSync(RECORDS)) {
    if (!name.endsWith('.json')) continue;
    const path = join(RECORDS, name);
    const stored = readAnyStored(path);
    if (stored === undefined) continue; // perhaps of another version of stratafs
    const isNeededHere = (): boolean =>
      stored.namespace !== namespace ||
      table.some((entry) => isNeeded(stored, entry)) ||
      isBeingMade(stored, name);
    if (stored.boot === boot && isNeededHere()) continue;
    rmSync(path, { force: true });
    if (stored.device !== '') rmSync(statisticsSocketOf(stored.device), { force: true });
  }
}

/** Whether it is the record of the mount `entry`, or the pending one of a mount that has no other. */
function isNeeded(stored: StoredRecord, entry: MountEntry): boolean {
  if (!isRecordOf(stored, entry)) return false;
  if (stored.device !== '') return true;
  const own = readStored(pathOf(entry.device));
  return own === undefined || !isRecordOf(own, entry);
}

/** Whether the process that wrote a pending record may still be about to mount. Its number may be another's by now. */
function isBeingMade({ device }: StoredRecord, name: string): boolean {
  return device === '' && processStart(Number.parseInt(name.slice(PENDING.length), 10)) !== undefined;
}
