// What a run of the bench found, for people: a table of all measurements, and the machine that they are of.
import type { BenchResult, Measurement } from '../bench.ts';
import { showByteSize } from './byte-size.ts';
import { type Column, formatTable } from './table.ts';

const right = 'right' as const;

/** Three figures: "843 ns", "17.1 us", "2.35 ms", "12.0 s". */
export function showNanoseconds(nanoseconds: number): string {
  const units = ['ns', 'us', 'ms', 's'];
  let value = nanoseconds;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value >= 99.95 || unit === 0 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] as string}`;
}

/** "0.43 (0.41-0.46)", "0.97 no difference (0.93-1.02)"; empty where there is nothing to compare with. */
export function showRatio(ratio: Measurement['ratio']): string {
  if (ratio === undefined) return '';
  const range = `(${showFactor(ratio.low)}-${showFactor(ratio.high)})`;
  const word = { same: ' no difference', undecided: ' too few runs', lower: '', higher: '' }[ratio.verdict];
  return `${showFactor(ratio.median)} ${range}${word}`;
}

/** Three figures. */
function showFactor(factor: number): string {
  return factor >= 99.95 ? factor.toFixed(0) : factor >= 9.995 ? factor.toFixed(1) : factor.toFixed(2);
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(0)}%`;

export function formatBenchResult(result: BenchResult, width: number | undefined): string {
  const hasLayers = result.stacks.length > 1;
  const hasThreads = new Set(result.measurements.map(({ threads }) => threads)).size > 1;
  const columns: (Column & { readonly cell: (of: Measurement) => string; readonly isShown?: boolean })[] = [
    { title: 'WORKLOAD', cell: ({ workload }) => workload },
    { title: 'LAYERS', align: right, isShown: hasLayers, cell: ({ layers }) => String(layers) },
    { title: 'THREADS', align: right, isShown: hasThreads, cell: ({ threads }) => String(threads) },
    { title: 'CONTENDER', cell: ({ contender }) => contender },
    { title: 'MEDIAN', align: right, cell: ({ median }) => showNanoseconds(median) },
    { title: 'SPREAD', align: right, cell: ({ spread }) => percent(spread) },
    { title: 'P50', align: right, cell: ({ latency }) => showNanoseconds(latency.p50) },
    { title: 'P95', align: right, cell: ({ latency }) => showNanoseconds(latency.p95) },
    { title: 'P99', align: right, cell: ({ latency }) => showNanoseconds(latency.p99) },
    { title: `RATIO TO ${result.settings.baseline.toUpperCase()}`, cell: ({ ratio }) => showRatio(ratio) },
    { title: 'GROWTH', isShown: hasLayers, cell: ({ growth }) => showRatio(growth) },
  ];
  const shown = columns.filter(({ isShown }) => isShown !== false);
  const rows = inOrder(result).map((each) => shown.map(({ cell }) => cell(each)));
  return `${formatTable(shown, rows, width)}\n${describeRun(result)}`;
}

/** Contenders under each other, then layers, then threads, then workloads. */
function inOrder({ measurements, contenders }: BenchResult): Measurement[] {
  const workloads = [...new Set(measurements.map(({ workload }) => workload))];
  const names = contenders.map(({ name }) => name);
  return measurements.toSorted(
    (a, b) =>
      workloads.indexOf(a.workload) - workloads.indexOf(b.workload) ||
      a.threads - b.threads ||
      a.layers - b.layers ||
      names.indexOf(a.contender) - names.indexOf(b.contender),
  );
}

function describeRun({ environment, settings, stacks, seconds }: BenchResult): string {
  const { kernel, cpu, cpus, memory, scratch, load } = environment;
  const { runs, confidence, baseline, seed } = settings;
  const cold = !settings.dropsCaches
    ? 'a fresh mount, caches kept'
    : settings.cold === 'disk'
      ? 'a fresh mount, and all caches dropped'
      : 'a fresh mount, and dentries and inodes dropped';
  const [stack] = stacks;
  return [
    `Median of ${runs} runs' time an operation; percentiles of single operations. Ratios: the median of the rounds', and`,
    `its ${percent(confidence)} bootstrap interval, to ${baseline}. Cold is ${cold}. Seed ${seed}.`,
    `${stack === undefined ? '' : `${stack.files} files, ${showByteSize(stack.bytes)}. `}Linux ${kernel}, ${cpus} x ${cpu}, ${showByteSize(memory)}, ${scratch.type}; load ${load.toFixed(2)}; ${seconds.toFixed(0)} s.`,
    '',
  ].join('\n');
}
