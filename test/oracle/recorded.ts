// What other people's engines made of the fixtures, as fixtures/oracle/ records it (its form: fixtures/make/tree.py).
import { readFileSync } from 'node:fs';
import {
  makeRdev,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
  S_IFSOCK,
} from '../../src/vfs/attr.ts';
import type { Shown, Snapshot } from './snapshot.ts';

/** One line of a recorded tree; the fields stand in tree.py. */
export interface RecordedEntry {
  readonly path: string;
  readonly type: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly rdev?: string;
  readonly mtimeNs: string;
  readonly nlink?: number;
  readonly same?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** What an engine made of one of the disputed images. */
export interface RecordedAnswer {
  readonly engines: readonly string[];
  readonly tree?: readonly RecordedEntry[];
  readonly error?: string;
}

/** The time of what no tar gave one, in a Snapshot made of a record: that of the unpacking. */
export const UNTIMED = 'when unpacked';

const typeBits: ReadonlyMap<string, number> = new Map([
  ['file', S_IFREG],
  ['dir', S_IFDIR],
  ['symlink', S_IFLNK],
  ['fifo', S_IFIFO],
  ['socket', S_IFSOCK],
  ['char', S_IFCHR],
  ['block', S_IFBLK],
]);

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../fixtures/oracle/${name}`, import.meta.url), 'utf8'));
}

/** The tree that `umoci unpack` made of a fixture. */
export function recordedTree(image: string): Snapshot {
  return snapshotRecord(read(`${image}.tree.json`) as RecordedEntry[]);
}

/** By tag of disputed.tar. */
export function recordedDisputes(): ReadonlyMap<string, { readonly answers: readonly RecordedAnswer[] }> {
  return new Map(Object.entries(read('disputed.json') as Record<string, { answers: RecordedAnswer[] }>));
}

/** A record as a Snapshot. It knows nothing of holes. Ghosts, which readdir lists and lookup denies, are left out. */
export function snapshotRecord(entries: readonly RecordedEntry[]): Snapshot {
  const snapshot: Snapshot = new Map();
  for (const entry of entries) {
    if (entry.type === 'ghost') continue;
    const bits = typeBits.get(entry.type);
    if (bits === undefined) throw new Error(`${entry.path} is of the unknown type ${entry.type}`);
    const path = entry.path === '.' ? '' : entry.path;
    snapshot.set(path, {
      mode: bits | parseInt(entry.mode ?? '0', 8),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      size: entry.size ?? entry.target?.length ?? 0,
      mtime: entry.mtimeNs === 'now' ? UNTIMED : entry.mtimeNs,
      nlink: entry.nlink ?? 0,
      sameAs: entry.same ?? path,
      rdev: entry.rdev === undefined ? 0 : parseRdev(entry.rdev),
      target: entry.target ?? '',
      sha256: entry.sha256 ?? '',
      data: [],
      xattrs: Object.fromEntries(
        Object.entries(entry.xattrs ?? {}).map(([name, hex]) => [
          name,
          Buffer.from(hex, 'hex').toString('latin1'),
        ]),
      ),
    });
  }
  return snapshot;
}

function parseRdev(text: string): number {
  const [major, minor] = text.split(':').map(Number);
  return makeRdev(major ?? 0, minor ?? 0);
}

/** `snapshot` as a record would have it: without holes. */
export function withoutHoles(snapshot: Snapshot): Snapshot {
  return new Map([...snapshot].map(([path, shown]) => [path, { ...shown, data: [] }]));
}

/** Deliberate differences from an engine; `undefined` is a path that stratafs doesn't show. */
export type Decisions = Readonly<Record<string, Partial<Shown> | undefined>>;

/** `oracle` with what was decided otherwise; a decision that changes nothing is an error in the test. */
export function decided(oracle: Snapshot, decisions: Decisions): Snapshot {
  const snapshot: Snapshot = new Map(oracle);
  for (const [path, decision] of Object.entries(decisions)) {
    const before = snapshot.get(path);
    if (decision === undefined) {
      if (!snapshot.delete(path)) throw new Error(`the oracle doesn't show '${path}' either`);
      continue;
    }
    const after = { ...(before ?? blankOf(path)), ...decision };
    if (JSON.stringify(after) === JSON.stringify(before)) throw new Error(`the oracle agrees on '${path}'`);
    snapshot.set(path, after);
  }
  return new Map([...snapshot].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An empty file of root's, for decisions about what an engine doesn't show at all. */
function blankOf(path: string): Shown {
  return {
    mode: S_IFREG | 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: '0',
    nlink: 1,
    sameAs: path,
    rdev: 0,
    target: '',
    sha256: '',
    data: [],
    xattrs: {},
  };
}
