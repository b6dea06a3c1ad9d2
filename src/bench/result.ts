// The result of a run: the JSON output (docs/bench.md), and the source of tables and plots.
import type { Cold } from './caches.ts';
import type { Environment } from './environment.ts';
import type { Ratio } from './statistics.ts';

/** Incremented when a field is renamed or removed, or changes its meaning. */
export const SCHEMA = 1;

export interface BenchResult {
  readonly schema: typeof SCHEMA;
  /** RFC 3339. */
  readonly started: string;
  readonly seconds: number;
  readonly environment: Environment;
  readonly settings: Settings;
  readonly stacks: readonly StackFacts[];
  readonly contenders: readonly ContenderFacts[];
  readonly missing: readonly MissingContender[];
  /** Remarks that a reader of the figures needs. */
  readonly notices: readonly string[];
  readonly measurements: readonly Measurement[];
}

export interface Settings {
  readonly runs: number;
  readonly operations: number;
  readonly seed: number;
  readonly cold: Cold;
  /** False: the caches could not be dropped, so cold only means a fresh mount. */
  readonly dropsCaches: boolean;
  /** The contender that ratios are relative to. */
  readonly baseline: string;
  readonly confidence: number;
}

export interface StackFacts {
  /** The source as the user wrote it, or the settings of a synthetic stack. */
  readonly source: string;
  readonly layers: number;
  readonly files: number;
  readonly directories: number;
  readonly others: number;
  /** Sum of the sizes of the files. */
  readonly bytes: number;
}

export interface ContenderFacts {
  readonly name: string;
  readonly summary: string;
  readonly version?: string;
  /** The mount table's line of one of its mounts, without the mount point; omitted if the contender mounts nothing. */
  readonly mountOptions?: string;
}

export interface MissingContender {
  readonly name: string;
  readonly reason: string;
  readonly remedy?: string;
}

/** One contender under one workload on one stack. */
export interface Measurement {
  readonly layers: number;
  readonly workload: string;
  readonly threads: number;
  readonly contender: string;
  /** The unit of one operation, such as "file". */
  readonly unit: string;
  /** One run a round, in order. */
  readonly runs: readonly RunFigures[];
  /** Nanoseconds per operation: the median of the runs' means. */
  readonly median: number;
  /** The interquartile range of the runs' means, as a fraction of the median. */
  readonly spread: number;
  readonly latency: Latency;
  /** Relative to the baseline's runs on this stack; omitted for the baseline itself, and if it has no such runs. */
  readonly ratio?: Ratio;
  /** Relative to this contender's runs on the stack with the fewest layers; omitted on that stack. */
  readonly growth?: Ratio;
}

export interface RunFigures {
  readonly operations: number;
  /** Mean latency in nanoseconds. */
  readonly mean: number;
  /** Nanoseconds from the first call to the end of the last, over all threads. */
  readonly wall: number;
  /** Bytes read or written. */
  readonly bytes: number;
}

/** Latencies of single operations of all runs, in nanoseconds. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** The lower bound of each bucket, ascending, and its number of operations; empty buckets are omitted. */
  readonly histogram: readonly (readonly [from: number, count: number])[];
}
