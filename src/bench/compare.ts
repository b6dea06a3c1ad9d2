// Compares a result with an older one: which contenders became slower, or faster, than they were.
//
// Times of different days, and machines, differ for many reasons. What is compared is the ratio to the baseline, which met
// the same day; so the baseline itself is not compared.
import { readFile } from 'node:fs/promises';
import { InputError } from '../vfs/input-error.ts';
import { Random } from './random.ts';
import { type BenchResult, type Measurement, SCHEMA } from './result.ts';
import { type Ratio, type Rounds, changeOf, medianRatio } from './statistics.ts';

/** How one ratio is to what it was. */
export interface Change extends Pick<Measurement, 'layers' | 'workload' | 'threads' | 'contender'> {
  /** The ratios to the baseline. */
  readonly before: number;
  readonly after: number;
  /** The latter by the former. */
  readonly change: Ratio;
  /**
   * Past the threshold, and by more than chance alone would move it: the interval (of few runs, the extremes) leaves 1
   * out.
   */
  readonly verdict: 'slower' | 'faster' | 'unchanged';
}

/** Reads what an earlier run wrote. InputError for anything else. */
export async function readResult(path: string): Promise<BenchResult> {
  const text = await readFile(path, 'utf8');
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: found no JSON (${(error as Error).message}), expected what --json wrote`);
  }
  const { schema, measurements, settings, stacks } = (found ?? {}) as Partial<BenchResult>;
  const isResult = Array.isArray(measurements) && Array.isArray(stacks) && typeof settings === 'object';
  if ((schema as unknown) !== SCHEMA) {
    const version = schema === undefined ? 'none' : JSON.stringify(schema);
    throw new InputError(
      `${path}: found schema ${version}, expected ${SCHEMA}, as --json of this version writes it`,
    );
  }
  if (!isResult) throw new InputError(`${path}: found no measurements, expected what --json wrote`);
  return found as BenchResult;
}

/**
 * What both measured, in the order of `after`. InputError where they are not of the same: `path` is the older's.
 */
export function compareResults(
  before: BenchResult,
  after: BenchResult,
  threshold: number,
  path: string,
): Change[] {
  refuseUnlike(before, after, path);
  const { baseline, seed } = after.settings;
  const changes: Change[] = [];
  for (const measurement of after.measurements) {
    if (measurement.contender === baseline) continue;
    const [were, are] = [roundsOf(baseline, before, measurement), roundsOf(baseline, after, measurement)];
    if (were === undefined || are === undefined) continue;
    const change = changeOf(were, are, new Random(seed));
    const { layers, workload, threads, contender } = measurement;
    changes.push({
      ...{ layers, workload, threads, contender, change },
      ...{ before: medianRatio(were), after: medianRatio(are), verdict: judge(change, threshold) },
    });
  }
  if (changes.length > 0) return changes;
  throw new InputError(
    `${path}: found nothing of what was measured now, expected a run with ${baseline} in it`,
  );
}

function judge({ median, low, high }: Ratio, threshold: number): Change['verdict'] {
  if (median > threshold && low > 1) return 'slower';
  return median < 1 / threshold && high < 1 ? 'faster' : 'unchanged';
}

/** The rounds of what is like `wanted` in `result`, and of the baseline; undefined where they were not measured there. */
function roundsOf(baseline: string, result: BenchResult, wanted: Measurement): Rounds | undefined {
  const means = (contender: string): number[] | undefined =>
    result.measurements
      .find(
        (each) =>
          each.contender === contender &&
          each.layers === wanted.layers &&
          each.workload === wanted.workload &&
          each.threads === wanted.threads,
      )
      ?.runs.map(({ mean }) => mean);
  const [ours, theirs] = [means(wanted.contender), means(baseline)];
  return ours && theirs && { ours, theirs };
}

/** What is asked of the contenders must be the same: the stacks, and how cold is made. */
function refuseUnlike(before: BenchResult, after: BenchResult, path: string): void {
  const facts = ({ settings, stacks }: BenchResult): [string, string][] => [
    ['--operations', String(settings.operations)],
    ['--seed', String(settings.seed)],
    ['--cold', settings.dropsCaches ? settings.cold : 'caches that are kept'],
    [
      'stacks',
      stacks
        .map(({ layers, files, bytes }) => `${layers} layers of ${files} files and ${bytes} bytes`)
        .join(', '),
    ],
  ];
  const now = new Map(facts(after));
  for (const [name, value] of facts(before)) {
    if (now.get(name) === value) continue;
    throw new InputError(
      `${path}: found ${name} ${value}, expected ${now.get(name) ?? ''} as in this run: figures of other work can't be compared`,
    );
  }
}
