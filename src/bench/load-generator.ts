// Runs the load generator (native/load), which makes the system calls of one workload and reports the latency of each.
import { loadProgram } from './native-programs.ts';
import type { LoadOperation } from './operations.ts';
import type { Processes } from './processes.ts';

export interface Load {
  readonly operation: LoadOperation;
  /** Relative to the directory under load; bytes as latin1. */
  readonly paths: readonly string[];
  readonly threads: number;
  /** Number of passes over the paths before the measured one. */
  readonly rehearsals: number;
  readonly seed: number;
  /** Size of each new file in bytes. */
  readonly size?: number;
  /** Number of random reads of each file. */
  readonly reads?: number;
  /** For `mount`: the program and arguments that mount, run in the directory under load. `paths` is the mount point. */
  readonly command?: readonly string[];
  /** Environment variables of the command, besides those of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

export interface LoadResult {
  /** Nanoseconds of each operation, in no order. */
  readonly latencies: Float64Array;
  /** Nanoseconds from the first call to the end of the last. */
  readonly wall: number;
  /** Bytes read or written. */
  readonly bytes: number;
}

/** Runs the load on `directory`. Throws InputError if any system call fails. */
export async function runLoad(processes: Processes, directory: string, load: Load): Promise<LoadResult> {
  const options = Object.entries({
    threads: load.threads,
    rehearsals: load.rehearsals,
    seed: load.seed,
    size: load.size ?? 0,
    reads: load.reads ?? 1,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const command = load.command === undefined ? [] : ['--', ...load.command];
  const argv = [loadProgram, load.operation, directory, ...options, ...command];
  const input = Buffer.from(load.paths.map((path) => `${path}\0`).join(''), 'latin1');
  return parseAnswer(
    await processes.run(argv, { input, ...(load.env === undefined ? {} : { env: load.env }) }),
  );
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
