// Records of the mounts that the kernel serves by itself. Such a mount has no daemon that could say what it is, so root
// writes that down when it mounts:
//
//   /run/stratafs/mounts/<major>-<minor>.json   the mount whose st_dev is <major>:<minor>
//
// A record counts only for an entry of the mount table with the same device, type and source, since the same start of the
// machine. So a record that is left over after umount(8) is never mistaken for another mount. Anybody may read records;
// only root can have written one that is believed.
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  mkdtempSync,
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
import { fileStateOf } from '../../sys/file-state.ts';
import type { MountEntry } from '../../sys/mount-table.ts';
import { processStart } from '../../sys/process-start.ts';
import { examinePath } from '../../sys/trusted-path.ts';
import type { FileState } from '../../vfs/blob-reader.ts';
import { InputError } from '../../vfs/input-error.ts';

/** Files of the running system that others read: 0755. */
const RUN_DIRECTORY = '/run/stratafs';
const RECORDS = join(RUN_DIRECTORY, 'mounts');
/** The types of mounts that can have a record: the image itself, or kernel overlayfs over it. */
const TYPES: readonly string[] = ['erofs', 'overlay'];
/** Changes when the fields change. */
const VERSION = 1;
const MAX_SIZE = 1 << 20;
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
  readonly device: string;
  readonly type: string;
  /** As the mount table shows it. */
  readonly source: string;
}

type Identity = Pick<MountEntry, 'device' | 'type' | 'source'>;

/** Writes the record of a mount; records of this namespace whose mounts are gone are removed. InputError where it can't be. */
export function writeRecord(entry: Identity, record: MountRecord, table: readonly MountEntry[]): void {
  makeRecordDirectory();
  removeStale(table);
  const path = pathOf(entry.device);
  const draft = `${path}.${process.pid}.draft`;
  const { device, type, source } = entry;
  const stored: StoredRecord = { ...{ version: VERSION, ...here(), device, type, source }, ...record };
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
  return stored !== undefined && isOf(stored, entry) ? stored : undefined;
}

/** Whether the process of a record still runs. */
export function isRunning({ pid, start }: RecordedProcess): boolean {
  return start !== undefined && processStart(pid) === start;
}

/** Once the mount with this device is gone from all of the namespace. */
export function removeRecord(device: string): void {
  rmSync(pathOf(device), { force: true });
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

/** `path`, beneath RUN_DIRECTORY or the same, made if it is missing. InputError where it can't be made or trusted. */
function makeRunDirectory(path: string): void {
  try {
    for (const each of [RUN_DIRECTORY, path]) {
      try {
        mkdirSync(each, { mode: 0o755 });
        chmodSync(each, 0o755); // whatever the umask
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw cantRecord(error);
  }
  const found = examinePath(path);
  if (found.kind === 'untrusted') throw cantRecord(new Error(found.reason));
}

/** A new directory that only root can enter, to be removed by the caller. */
export function makePrivateDirectory(prefix: string): string {
  makeRunDirectory(RUN_DIRECTORY);
  return mkdtempSync(join(RUN_DIRECTORY, prefix));
}

function makeRecordDirectory(): void {
  makeRunDirectory(RECORDS);
}

function cantRecord(error: unknown): InputError {
  const reason = error instanceof Error ? error.message : String(error);
  return new InputError(`the mount can't be recorded in ${RUN_DIRECTORY}: ${reason}`, { cause: error });
}

const pathOf = (device: string): string => join(RECORDS, `${device.replace(':', '-')}.json`);

function here(): { readonly boot: string; readonly namespace: string } {
  return {
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    namespace: readlinkSync('/proc/self/ns/mnt'),
  };
}

function isOf(stored: StoredRecord, { device, type, source }: Identity): boolean {
  return (
    stored.boot === here().boot &&
    stored.device === device &&
    stored.type === type &&
    stored.source === source
  );
}

/** Undefined for what is missing, malformed, or not root's. */
function readStored(path: string): StoredRecord | undefined {
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
  const { version, boot, namespace, device, type, source, facts, files } = json as Partial<StoredRecord>;
  return (
    version === VERSION &&
    [boot, namespace, device, type, source].every((text) => typeof text === 'string') &&
    typeof facts === 'object' &&
    Array.isArray(files)
  );
}

/** The mounts that records of this start of the machine name, whether they still exist or not. */
export function listRecords(): (MountRecord & Identity)[] {
  let names: string[];
  try {
    names = readdirSync(RECORDS);
  } catch {
    return []; // ENOENT: there never was one
  }
  const { boot } = here();
  const stored = names
    .filter((name) => name.endsWith('.json'))
    .map((name) => readStored(join(RECORDS, name)));
  return stored.filter((each) => each !== undefined).filter((each) => each.boot === boot);
}

/** Records of other namespaces stay: our mount table does not show their mounts. */
function removeStale(table: readonly MountEntry[]): void {
  const { boot, namespace } = here();
  for (const name of readdirSync(RECORDS)) {
    if (!name.endsWith('.json')) continue;
    const path = join(RECORDS, name);
    const stored = readStored(path);
    if (stored === undefined) continue; // perhaps of another version of stratafs
    const isOfOtherNamespace = stored.boot === boot && stored.namespace !== namespace;
    if (isOfOtherNamespace || table.some((entry) => isOf(stored, entry))) continue;
    rmSync(path, { force: true });
  }
}
