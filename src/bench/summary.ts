// Summarises a run: the ratio of one contender to each of the others, by workload, on the stack with the most layers.
import { Random } from './random.ts';
import type { BenchResult, Measurement } from './result.ts';
import { type Ratio, ratioOf } from './statistics.ts';

export interface WorkloadSummary {
  readonly workload: string;
  readonly threads: number;
  readonly layers: number;
  /** The contender that is compared with the others: stratafs if it took part, otherwise the baseline. */
  readonly subject: string;
  /** In the order of the contenders. `ratio`: the subject's time divided by the other's. */
  readonly others: readonly { readonly contender: string; readonly ratio: Ratio }[];
}

/** In the order of the measurements, without workloads that the subject or all others don't support. */
export function summariseResult({ contenders, measurements, settings }: BenchResult): WorkloadSummary[] {
  const names = contenders.map(({ name }) => name);
  const subject = names.includes('stratafs') ? 'stratafs' : settings.baseline;
  const tallest = Math.max(...measurements.map(({ layers }) => layers));
  const means = ({ runs }: Measurement): number[] => runs.map(({ mean }) => mean);
  return measurements
    .filter(({ contender, layers }) => contender === subject && layers === tallest)
    .map((own) => ({
      ...{ workload: own.workload, threads: own.threads, layers: own.layers, subject },
      others: measurements
        .filter(
          ({ contender, workload, threads, layers }) =>
            contender !== subject &&
            workload === own.workload &&
            threads === own.threads &&
            layers === own.layers,
        )
        .toSorted((a, b) => names.indexOf(a.contender) - names.indexOf(b.contender))
        .map((other) => ({
          contender: other.contender,
          ratio: ratioOf(means(own), means(other), new Random(settings.seed)),
        })),
    }))
    .filter(({ others }) => others.length > 0);
}
