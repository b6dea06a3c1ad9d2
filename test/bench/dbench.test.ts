import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseDbench, runDbench } from '../../src/bench/dbench.ts';
import { Processes } from '../../src/bench/processes.ts';
import { describeWith } from '../requirements.ts';

it('the throughput of dbench becomes the time for one MB', () => {
  const output = [
    'dbench version 4.00 - Copyright Andrew Tridgell 1999-2004',
    '   1     14879    95.57 MB/sec  execute   1 sec  latency 48.674 ms',
    ' Flush            688     2.337    48.659',
    '',
    'Throughput 125.00 MB/sec  1 clients  1 procs  max_latency=48.674 ms',
    '',
  ].join('\n');
  expect(parseDbench(output)).toEqual({ latencies: Float64Array.of(8e6), wall: 5e9, bytes: 625e6 });
});

it.each(['', 'Throughput 0.00 MB/sec  1 clients', 'read failed\nThroughput x MB/sec'])(
  'dbench that reports no throughput (%j) is an error',
  (output) => expect(() => parseDbench(output)).toThrow(/^dbench: found no throughput in its output/),
);

describeWith([{ program: 'dbench' }], 'dbench', () => {
  it('ends with its clients if the run is interrupted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stratafs-dbench-'));
    const interrupt = new AbortController();
    const running = runDbench(new Processes(interrupt.signal), directory, 2);
    const ended = expect(running).rejects.toThrow('enough');
    while (clientsIn(directory) < 3) await new Promise((resolve) => void setImmediate(resolve));
    interrupt.abort(new Error('enough'));
    await ended;
    while (clientsIn(directory) > 0) await new Promise((resolve) => void setImmediate(resolve));
    rmSync(directory, { recursive: true });
  });
});

/** The running processes of a dbench on `directory`. */
function clientsIn(directory: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(directory);
    } catch {
      return false; // ENOENT, ESRCH: the process has ended
    }
  }).length;
}
