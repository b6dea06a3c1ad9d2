// The load generator (load.cc) and find(1), as functions.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.ts';

/** Compiles load.cc into the bench's work directory. Needs a C++ compiler, as the addon does. */
export async function buildLoad(bench: Bench): Promise<void> {
  const source = fileURLToPath(new URL('../load.cc', import.meta.url));
  await bench.processes.run(['c++', '-std=c++17', '-O2', '-o', join(bench.work, 'load'), source]);
}

/** Seconds that the system calls took, for every path of `paths` (relative to `root`, each ended by NUL). */
export async function load(
  bench: Bench,
  action: 'stat' | 'read' | 'missing',
  root: string,
  paths: Buffer,
): Promise<number> {
  const { stdout } = await bench.processes.run([join(bench.work, 'load'), action, root], { input: paths });
  return Number(stdout.toString().split(' ')[0]) / 1e9;
}

/** Paths of everything, or of one type, in the order that the file system lists them, for `load`. */
export async function listPaths(bench: Bench, root: string, ...tests: string[]): Promise<Buffer> {
  const { stdout } = await bench.processes.run(['find', '.', ...tests, '-print0'], { cwd: root });
  return stdout;
}

/** Seconds of `find -ls` over the whole tree, its output discarded. */
export function findLs(bench: Bench, root: string): Promise<number> {
  return bench.processes.secondsOf('find . -ls >/dev/null', { cwd: root });
}
