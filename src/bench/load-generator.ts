// The load generator (native/load), as a function: it makes the system calls of one workload and tells how long each took.
import { loadProgram } from './native-programs.ts';
import type { Processes } from './processes.ts';

/** As native/load names them, by what they need of what they are put on. */
export const operations = {
  metadata: ['stat', 'lookup', 'missing', 'readdir', 'walk'],
  content: ['open-read-close', 'sequential-read', 'random-read', 'map-exec'],
  changes: ['copy-up', 'create', 'unlink', 'rename', 'untar'],
} as const;

export type OperationFamily = keyof typeof operations;
export type Operation = (typeof operations)[OperationFamily][number];

export interface Load {
  readonly operation: Operation;
  /** Relative to the directory it is put on; bytes as latin1. */
  readonly paths: readonly string[];
  readonly threads: number;
  /** How often the paths are worked through before anything is counted. */
  readonly rehearsals: number;
  readonly seed: number;
  /** Bytes that each new file gets. */
  readonly size?: number;
  /** How often each file is read at random. */
  readonly reads?: number;
}

export interface LoadResult {
  /** Nanoseconds of each operation, in no order. */
  readonly latencies: Float64Array;
  /** Nanoseconds from the first call to the end of the last. */
  readonly wall: number;
  /** Bytes read or written. */
  readonly bytes: number;
}

/** Puts the load on what `directory` shows. InputError where any call of it fails. */
export async function runLoad(processes: Processes, directory: string, load: Load): Promise<LoadResult> {
  const options = Object.entries({
    threads: load.threads,
    rehearsals: load.rehearsals,
    seed: load.seed,
    size: load.size ?? 0,
    reads: load.reads ?? 1,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const input = Buffer.from(load.paths.map((path) => `${path}\0`).join(''), 'latin1');
  return parseAnswer(await processes.run([loadProgram, load.operation, directory, ...options], { input }));
}

/** One line of JSON, then the latencies as 64-bit little-endian integers. */
function parseAnswer(answer: Buffer): LoadResult {
  const end = answer.indexOf('\n');
  const { operations, nanoseconds, bytes } = JSON.parse(answer.toString('latin1', 0, end)) as {
    operations: number;
    nanoseconds: number;
    bytes: number;
  };
  const latencies = new Float64Array(operations);
  for (let i = 0; i < operations; i++) latencies[i] = Number(answer.readBigUInt64LE(end + 1 + 8 * i));
  return { latencies, wall: nanoseconds, bytes };
}
