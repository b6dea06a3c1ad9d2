// Makes a bench result from figures, to test code that reads results.
import type { BenchResult, Measurement } from '../../src/bench/bench.ts';
import { Cell } from '../../src/bench/cell.ts';
import { summariseCells } from '../../src/bench/measurements.ts';
import type { WorkloadPlan } from '../../src/bench/workload.ts';
import { workloads } from '../../src/bench/workload-list.ts';

/** Means of each run in nanoseconds, by number of layers and contender. */
export type MadeRuns = Readonly<Record<number, Readonly<Record<string, readonly number[]>>>>;

const prepared = { mount: () => Promise.reject(new Error('is not mounted')), timeMount: undefined };
const plan: WorkloadPlan = { paths: [] };

function measurementsOf(name: string, runs: MadeRuns, baseline: string): Measurement[] {
  const workload = workloads.find((each) => each.name === name);
  if (workload === undefined) throw new Error(`no workload ${name}`);
  const cells = Object.entries(runs).flatMap(([layers, contenders]) =>
    Object.entries(contenders).map(([contender, means]) => {
      const cell = new Cell({ layers: Number(layers), workload, plan, threads: 1, contender, prepared });
      for (const mean of means) {
        cell.add({ latencies: Float64Array.of(mean / 2, mean, mean * 1.5), wall: 3 * mean, bytes: 0 });
      }
      return cell;
    }),
  );
  return summariseCells(cells, baseline, 1);
}

export function madeResult(runs: Readonly<Record<string, MadeRuns>>, baseline = 'overlayfs'): BenchResult {
  const measurements = Object.entries(runs).flatMap(([name, each]) => measurementsOf(name, each, baseline));
  const names = [...new Set(measurements.map(({ contender }) => contender))];
  const heights = [...new Set(measurements.map(({ layers }) => layers))];
  return {
    schema: 1,
    started: '2026-01-02T03:04:05.000Z',
    seconds: 12,
    environment: {
      ...{ kernel: '6.18.0', cpu: 'A CPU', cpus: 2, memory: 2 ** 30, node: 'v20.0.0', stratafs: '0.1.0' },
      ...{ isRoot: true, scratch: { type: 'ext4', source: '/dev/vda' }, load: 0.5 },
    },
    settings: {
      ...{ runs: 6, operations: 100, seed: 1, cold: 'disk', dropsCaches: true },
      ...{ baseline, confidence: 0.95 },
    },
    stacks: heights.map((layers) => ({
      ...{ source: 'made', layers, files: 10, directories: 2, others: 0, bytes: 1000 },
    })),
    contenders: names.map((name) => ({ name, summary: `what ${name} is` })),
    missing: [{ name: 'erofs', reason: 'mkfs.erofs is not installed', remedy: 'apt install erofs-utils' }],
    notices: ['something <b>to know</b>'],
    measurements,
  };
}
