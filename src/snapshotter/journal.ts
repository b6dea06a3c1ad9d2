// The journal: the file that has all snapshots, one change a line.
//
//   {"format":1}
//   {"put":SNAPSHOT}     a snapshot, new or changed; its `id` says which
//   {"remove":ID}
//
// A line is on the disk before its change is answered. A process that is killed while it writes leaves part of a last line,
// which is dropped: nobody got an answer. Anything else that can't be read is an error: nothing is guessed.
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import type { Snapshot } from './snapshot.ts';

const FORMAT = '{"format":1}';
/** Lines beyond those of the snapshots that are left, from which the journal is written anew when it is opened. */
const MAX_SURPLUS = 1000;

/** A journal and the snapshots that it has. */
export interface OpenJournal {
  readonly journal: Journal;
  readonly snapshots: readonly Snapshot[];
}

export class Journal {
  readonly #fd: number;
  /** Of the lines that are whole. */
  #size: number;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
  }

  /** Opens the journal at `path`, made if it is missing. InputError if it can't be read. */
  static open(path: string): OpenJournal {
    const found = readJournal(path);
    if (found === undefined || found.isTorn || found.lines > found.snapshots.length + MAX_SURPLUS) {
      writeAnew(path, found?.snapshots ?? []);
    }
    const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
    return { journal: new Journal(fd), snapshots: found?.snapshots ?? [] };
  }

  put(snapshot: Snapshot): void {
    this.#append({ put: snapshot });
  }

  remove({ id }: Snapshot): void {
    this.#append({ remove: id });
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Throws Node's errors, as for a full disk; then nothing was recorded. */
  #append(line: object): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
      fdatasyncSync(this.#fd);
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }
}

interface FoundJournal {
  readonly snapshots: Snapshot[];
  readonly lines: number;
  /** The last line has no end. */
  readonly isTorn: boolean;
}

function readJournal(path: string): FoundJournal | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const lines = text.split('\n');
  const isTorn = lines.pop() !== '';
  if (lines[0] !== FORMAT) {
    throw new InputError(`${path}: line 1: found another format, expected ${FORMAT}`);
  }
  const snapshots = new Map<number, Snapshot>();
  lines.slice(1).forEach((line, i) => {
    const change = parseLine(line);
    if (change === undefined) throw new InputError(`${path}: line ${i + 2}: is not a change of a snapshot`);
    if (typeof change === 'number') snapshots.delete(change);
    else snapshots.set(change.id, change);
  });
  return { snapshots: [...snapshots.values()], lines: lines.length, isTorn };
}

/** A snapshot, or the ID of one that was removed; undefined for anything else. */
function parseLine(line: string): Snapshot | number | undefined {
  let change: { put?: Partial<Snapshot>; remove?: number };
  try {
    change = JSON.parse(line) as typeof change;
  } catch {
    return undefined; // SyntaxError
  }
  const { put, remove } = change;
  if (typeof remove === 'number') return remove;
  const isSnapshot =
    Number.isSafeInteger(put?.id) && typeof put?.name === 'string' && typeof put.parent === 'string';
  return isSnapshot ? (put as Snapshot) : undefined;
}

function writeAnew(path: string, snapshots: readonly Snapshot[]): void {
  const draft = `${path}.new`;
  const lines = [FORMAT, ...snapshots.map((each) => JSON.stringify({ put: each }))];
  const fd = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(fd, `${lines.join('\n')}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  syncDirectory(dirname(path));
}

/** The names in a directory reach the disk. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
