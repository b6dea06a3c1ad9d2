// Runs dbench(1), which replays the recorded file operations of an office's file server for a fixed time, and reports the
// bytes per second that it read and wrote.
import { InputError } from '../vfs/input-error.ts';
import type { Lack } from './contender.ts';
import type { LoadResult } from './load-generator.ts';
import { isInstalled } from './mounting.ts';
import type { Processes } from './processes.ts';

/** How long one run measures; dbench then removes its files. */
const SECONDS = 5;

export function dbenchLack(): Lack | undefined {
  return isInstalled('dbench')
    ? undefined
    : { reason: 'dbench is not installed', remedy: 'apt install dbench' };
}

/**
 * Runs `clients` clients on `directory`. The result is one operation: the time to read or write one MB, over all clients, so
 * that a ratio of times is the inverse of the ratio of throughputs. Throws InputError if dbench fails.
 */
export async function runDbench(
  processes: Processes,
  directory: string,
  clients: number,
): Promise<LoadResult> {
  const argv = ['dbench', '-D', directory, '-t', String(SECONDS), String(clients)];
  const output = (await processes.run(argv, { endsChildren: true })).toString('latin1');
  return parseDbench(output);
}

/** Reads the last line of dbench's output: "Throughput 123.96 MB/sec  1 clients  1 procs  max_latency=48.674 ms". */
export function parseDbench(output: string): LoadResult {
  const perSecond = Number(/^Throughput (\d+(?:\.\d+)?) MB\/sec/m.exec(output)?.[1]);
  if (!(perSecond > 0)) {
    const last = output.trim().split('\n').at(-1) ?? '';
    throw new InputError(`dbench: found no throughput in its output, which ends with: ${last}`);
  }
  return {
    latencies: Float64Array.of(1e9 / perSecond),
    wall: SECONDS * 1e9,
    bytes: Math.round(perSecond * 1e6 * SECONDS),
  };
}
