// A sample of two layers with an upper, and functions that read the files and marks in the upper, for tests of single operations.
import { closeSync, lstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import type { UpperPlace } from '../../src/overlay/upper/open-upper.ts';
import { getxattrAt, setxattrAt } from '../../src/sys/upper-calls.ts';
import { ErrnoError } from '../../src/vfs/errno.ts';
import { bytesOf, latin1Of } from '../../src/vfs/names.ts';
import { OpenFile } from '../../src/vfs/operation.ts';
import { directory, file, layer, symlink } from '../tree/layer-maker.ts';
import { MemoryReader } from './memory-reader.ts';
import { Bench, check } from './writable.ts';

export const MARKS = process.geteuid?.() === 0 ? 'trusted.overlay.' : 'user.overlay.';
/** The bytes of every lower file, which has as many of them as its size. */
export const LOWER_BYTES = 'the bytes of the image. '.repeat(10);

/** A function that opens benches over the sample; all are closed after each test. */
export function useSample(): (options?: Partial<UpperPlace>) => Bench {
  const benches: Bench[] = [];
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close();
  });
  return (options = {}) => {
    const content = Buffer.from(LOWER_BYTES);
    const bench = new Bench(sampleLayers(), [new MemoryReader(content), new MemoryReader(content)], options);
    benches.push(bench);
    return bench;
  };
}

/** Creates new layers on each call, because a layer's table belongs to one tree. */
function sampleLayers(): ReturnType<typeof layer>[] {
  const shared = file({ size: 7 });
  const below = directory({ inner: file({ size: 3, mtime: 1000 }) }, { mtime: 1000 });
  return [
    layer({
      dir: directory(
        {
          file: file({ size: 10, mtime: 1000 }),
          other: file({ size: 20, mtime: 1000 }),
          below,
        },
        { mtime: 2000, mode: 0o40755 },
      ),
      empty: directory({}, { mtime: 2000 }),
      top: file({ size: 100, mtime: 1000 }),
      one: shared,
      two: shared,
      sym: symlink('dir/file'),
    }),
    layer({ dir: directory({ added: file({ size: 5 }) }, { mtime: 2000 }) }),
  ];
}

/** The name of the errno with which `operation` fails; 'success' if it does not. */
export async function errnoOf(operation: () => unknown): Promise<string> {
  try {
    await operation();
    return 'success';
  } catch (error) {
    if (error instanceof ErrnoError) return error.code;
    throw error;
  }
}

/** The value of a mark (without its prefix) of an upper file; undefined if it has none. */
export function markOf(bench: Bench, path: string, name: string): string | undefined {
  return inUpper(bench, path, (dir, last) => {
    const value = getxattrAt(dir, last, bytesOf(MARKS + name));
    return typeof value === 'number' ? undefined : latin1Of(value);
  });
}

export function setMark(
  bench: Bench,
  path: string,
  name: string,
  value: string | Uint8Array,
  prefix = MARKS,
): void {
  const bytes = typeof value === 'string' ? bytesOf(value) : value;
  inUpper(bench, path, (dir, last) =>
    check(setxattrAt(dir, last, bytesOf(prefix + name), bytes, 0), 'setxattr', path),
  );
}

/** Calls `use` with the open parent and the last name of a path in the upper, and returns its result. */
export function inUpper<T>(bench: Bench, path: string, use: (dir: number, name: Uint8Array) => T): T {
  const whole = join(bench.upper, path);
  const dir = openSync(dirname(whole), 0);
  try {
    return use(dir, bytesOf(basename(whole)));
  } finally {
    closeSync(dir);
  }
}

/** 'whiteout', 'directory', 'file', ... of a path in the upper; undefined if nothing is there. */
export function upperType(bench: Bench, path: string): string | undefined {
  const stat = lstatSync(join(bench.upper, path), { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isCharacterDevice() && stat.rdev === 0) return 'whiteout';
  if (stat.isDirectory()) return 'directory';
  return stat.isFile() ? 'file' : 'other';
}

/** The names in W/work. */
export function leftInWork(bench: Bench): string[] {
  return readdirSync(join(bench.work, 'work')).filter((name) => name !== '#whiteout');
}

export function namesIn(bench: Bench, path: string): string[] {
  return [...bench.list(path).keys()].sort();
}

/** The first `length` bytes of a file as the mount shows them. */
export async function readBytes(bench: Bench, path: string, length = 4096): Promise<string> {
  return readNode(bench, bench.node(path), length);
}

export async function readNode(
  bench: Bench,
  node: ReturnType<Bench['node']>,
  length = 4096,
): Promise<string> {
  check(await bench.overlay.open(node, 0, false, bench.call(), new OpenFile()), 'open');
  try {
    const size = Math.min(length, bench.attr(node).size);
    const result = await bench.overlay.read(node, 0, size);
    if (typeof result === 'number') throw new ErrnoError(result, 'read');
    if (result instanceof Uint8Array) return latin1Of(result);
    const bytes = Buffer.alloc(result.length);
    return bytes.toString('latin1', 0, readSync(result.fd, bytes, 0, bytes.length, result.position));
  } finally {
    bench.overlay.release(node);
  }
}

/** Changes the upper by `change` while no mount uses it. */
export async function between(bench: Bench, change: () => unknown): Promise<void> {
  await bench.overlay.close();
  await change();
  bench.reopen();
}
