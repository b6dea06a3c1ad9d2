// The summary of a run in sentences like hyperfine's.
import { type BenchResult, type WorkloadSummary, summariseResult } from '../../bench/bench.ts';
import { describeRatio } from './figures.ts';

/** One workload: the subject, and its ratio to each other contender. */
export interface SummaryLines {
  /** "stat-cold: stratafs ran" */
  readonly head: string;
  /** "1.31 (1.25-1.37) times faster than overlayfs" */
  readonly lines: readonly string[];
}

export function summaryLines(result: BenchResult): SummaryLines[] {
  const hasLayers = result.stacks.length > 1;
  return summariseResult(result).map(({ workload, threads, layers, subject, others }) => {
    const where = [
      workload,
      ...(hasLayers ? [`${layers} layers`] : []),
      ...(threads === 1 ? [] : [`${threads} threads`]),
    ].join(', ');
    return { head: `${where}: ${subject} ran`, lines: others.map(describeOther) };
  });
}

function describeOther({ contender, ratio }: WorkloadSummary['others'][number]): string {
  const { factor, direction } = describeRatio(ratio);
  const doubt = {
    same: '; no difference was found',
    undecided: '; too few runs to decide',
    lower: '',
    higher: '',
  };
  return `${factor} times ${direction} than ${contender}${doubt[ratio.verdict]}`;
}

/** The summary for a terminal. */
export function formatSummary(result: BenchResult): string {
  const all = summaryLines(result);
  if (all.length === 0) return '';
  return `Summary\n${all.map(({ head, lines }) => `  ${head}\n${lines.map((line) => `    ${line}\n`).join('')}`).join('')}`;
}
