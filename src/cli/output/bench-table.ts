// Formats the result of a bench run: a table of all measurements, and the machine.
import type { BenchResult, Change, Measurement } from '../../bench/bench.ts';
import { showByteSize } from './byte-size.ts';
import { showFactor, showNanoseconds, showPercent, showRatio } from './figures.ts';
import { type Column, formatTable } from './table.ts';

const right = 'right' as const;

export function formatBenchResult(result: BenchResult, width: number | undefined): string {
  const hasLayers = result.stacks.length > 1;
  const hasThreads = new Set(result.measurements.map(({ threads }) => threads)).size > 1;
  const columns: (Column & { readonly cell: (of: Measurement) => string; readonly isShown?: boolean })[] = [
    { title: 'WORKLOAD', cell: ({ workload }) => workload },
    { title: 'LAYERS', align: right, isShown: hasLayers, cell: ({ layers }) => String(layers) },
    { title: 'THREADS', align: right, isShown: hasThreads, cell: ({ threads }) => String(threads) },
    { title: 'CONTENDER', cell: ({ contender }) => contender },
    { title: 'MEDIAN', align: right, cell: ({ median }) => showNanoseconds(median) },
    { title: `THAN ${result.settings.baseline.toUpperCase()}`, cell: ({ ratio }) => showRatio(ratio) },
    { title: 'P50', align: right, cell: ({ latency }) => showNanoseconds(latency.p50) },
    { title: 'P95', align: right, cell: ({ latency }) => showNanoseconds(latency.p95) },
    { title: 'P99', align: right, cell: ({ latency }) => showNanoseconds(latency.p99) },
    { title: 'SPREAD', align: right, cell: ({ spread }) => showPercent(spread) },
    { title: 'THAN FEWEST LAYERS', isShown: hasLayers, cell: ({ growth }) => showRatio(growth) },
  ];
  const shown = columns.filter(({ isShown }) => isShown !== false);
  const rows = inOrder(result).map((each) => shown.map(({ cell }) => cell(each)));
  return formatTable(shown, rows, width);
}

/** Sorts by workload, threads, layers and contender, so that contenders are next to each other. */
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

/** Describes the figures and the machine. */
export function describeRun({ environment, settings, stacks, seconds }: BenchResult): string {
  const { kernel, cpu, cpus, memory, scratch, haltPoll, load } = environment;
  const polling = haltPoll === undefined ? '' : `; guest_halt_poll_ns ${haltPoll}`;
  const { runs, confidence, baseline, seed } = settings;
  const cold = !settings.dropsCaches
    ? 'a fresh mount, without dropping caches'
    : settings.cold === 'disk'
      ? 'a fresh mount, and all caches dropped'
      : 'a fresh mount, and dentries and inodes dropped';
  const [stack] = stacks;
  return [
    `MEDIAN is of ${runs} runs' time an operation; P50, P95 and P99 are of single operations. THAN compares with the`,
    `median of ${baseline}, with the ${showPercent(confidence)} bootstrap interval. Cold is ${cold}. Seed ${seed}.`,
    `${stack === undefined ? '' : `${stack.files} files, ${showByteSize(stack.bytes)}. `}Linux ${kernel}, ${cpus} x ${cpu}, ${showByteSize(memory)}, ${scratch.type}${polling}; load ${load.toFixed(2)}; ${seconds.toFixed(0)} s.`,
    '',
  ].join('\n');
}

/** Lists the ratios that became slower or faster, and counts all. */
export function formatChanges(
  changes: readonly Change[],
  { settings }: BenchResult,
  threshold: number,
  width: number | undefined,
): string {
  const changed = changes.filter(({ verdict }) => verdict !== 'unchanged');
  const columns: Column[] = [
    { title: 'CHANGE' },
    { title: 'WORKLOAD' },
    { title: 'LAYERS', align: right },
    { title: 'THREADS', align: right },
    { title: 'CONTENDER' },
    { title: 'RATIO WAS', align: right },
    { title: 'IS', align: right },
    { title: 'BY' },
  ];
  const rows = changed.map((each) => [
    ...[each.verdict, each.workload, String(each.layers), String(each.threads), each.contender],
    ...[showFactor(each.before), showFactor(each.after), showRatio(each.change)],
  ]);
  const table = changed.length === 0 ? '' : `${formatTable(columns, rows, width)}\n`;
  const count = (wanted: Change['verdict']): number =>
    changes.filter(({ verdict }) => verdict === wanted).length;
  return `${table}Of ${changes.length} ${changes.length === 1 ? 'ratio' : 'ratios'} to ${settings.baseline}, by more than ${threshold}: ${count('slower')} slower, ${count('faster')} faster.\n`;
}
