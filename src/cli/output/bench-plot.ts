// Plots a run in a terminal: the medians of each workload on one logarithmic scale.
import type { BenchResult, Measurement } from '../../bench/bench.ts';
import { showNanoseconds } from './figures.ts';

/** Columns of the scale if the terminal is wide enough. */
const MOST_COLUMNS = 60;
const FEWEST_COLUMNS = 20;

/** A block for each workload, with a line for each contender and stack. `o`: the median; `-`: the range of the runs. */
export function plotBenchResult({ measurements, contenders }: BenchResult, width: number): string {
  const names = contenders.map(({ name }) => name);
  const blocks = new Map<string, Measurement[]>();
  for (const each of measurements) {
    const name = each.threads === 1 ? each.workload : `${each.workload}, ${each.threads} threads`;
    blocks.set(name, [...(blocks.get(name) ?? []), each]);
  }
  return [...blocks].map(([name, block]) => plotBlock(name, block, names, width)).join('\n');
}

function plotBlock(
  name: string,
  block: readonly Measurement[],
  contenders: readonly string[],
  width: number,
): string {
  const hasLayers = new Set(block.map(({ layers }) => layers)).size > 1;
  const rows = block
    .toSorted(
      (a, b) => contenders.indexOf(a.contender) - contenders.indexOf(b.contender) || a.layers - b.layers,
    )
    .map((each) => ({ ...each, means: each.runs.map(({ mean }) => mean) }));
  const least = Math.min(...rows.flatMap(({ means }) => means));
  const most = Math.max(...rows.flatMap(({ means }) => means));
  const labels = rows.map(({ contender, layers }) => (hasLayers ? `${contender} ${layers}` : contender));
  const margin = Math.max(...labels.map(({ length }) => length));
  const columns = Math.min(MOST_COLUMNS, Math.max(FEWEST_COLUMNS, width - margin - 16));
  const place = (value: number): number =>
    most === least ? 0 : Math.round((Math.log(value / least) / Math.log(most / least)) * (columns - 1));
  const lines = rows.map(({ means, median }, row) => {
    const line = new Array<string>(columns).fill(' ');
    line.fill('-', place(Math.min(...means)), place(Math.max(...means)) + 1);
    line[place(median)] = 'o';
    const text = `  ${(labels[row] as string).padEnd(margin)} |${line.join('')}|`;
    return `${text} ${showNanoseconds(median)}\n`;
  });
  const scale = `${showNanoseconds(least)}${showNanoseconds(most).padStart(columns - showNanoseconds(least).length)}`;
  return `${name}\n${lines.join('')}  ${''.padEnd(margin)}  ${scale}\n`;
}
