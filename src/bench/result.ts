// What a run of the bench found: what is written as JSON (docs/bench.md), and what tables and plots are made of.
import type { Cold } from './caches.ts';
import type { Environment } from './environment.ts';
import type { Ratio } from './statistics.ts';

/** Grows by one where a field is renamed, removed or means something else. */
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
  /** What a reader of the figures should know. */
  readonly notices: readonly string[];
  readonly measurements: readonly Measurement[];
}

export interface Settings {
  readonly runs: number;
  readonly operations: number;
  readonly seed: number;
  readonly cold: Cold;
  /** False: the caches could not be dropped, and cold is no more than a fresh mount. */
  readonly dropsCaches: boolean;
  /** The contender that ratios are to. */
  readonly baseline: string;
  readonly confidence: number;
}

export interface StackFacts {
  /** As the user gave it, or how it was made. */
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
  /** The line of the mount table that a mount of it had, less the place; none for what is not mounted. */
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
  /** What is counted. */
  readonly unit: string;
  /** One a round, in order. */
  readonly runs: readonly RunFigures[];
  /** Nanoseconds an operation: the median of the runs' means. */
  readonly median: number;
  /** How far the middle half of the runs is apart, as a fraction of the median. */
  readonly spread: number;
  readonly latency: Latency;
  /** To the baseline's runs on this stack; left out for the baseline itself and where it has none. */
  readonly ratio?: Ratio;
  /** To this contender's own runs on the stack of fewest layers; left out there. */
  readonly growth?: Ratio;
}

export interface RunFigures {
  readonly operations: number;
  /** Nanoseconds an operation took, on average. */
  readonly mean: number;
  /** Nanoseconds from the first call to the end of the last, whatever thread made it. */
  readonly wall: number;
  /** Bytes read or written. */
  readonly bytes: number;
}

/** Of single operations, all runs together; nanoseconds. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Where each bucket begins, ascending, and how many operations fell into it; empty buckets are left out. */
  readonly histogram: readonly (readonly [from: number, count: number])[];
}
