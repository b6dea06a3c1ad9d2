// Compares a result with an older one, to find contenders that became slower or faster.
//
// Times of different days and machines differ for many reasons. So the ratios to the baseline are compared, which was
// measured under the same conditions; the baseline itself is not compared.
import { readFile } from 'node:fs/promises';
import { InputError } from '../vfs/input-error.ts';
import { Random } from './random.ts';
import { type BenchResult, type Measurement, SCHEMA } from './result.ts';
import { type Ratio, type Rounds, changeOf, medianRatio } from './statistics.ts';

/** The change of one ratio. */
export interface Change extends Pick<Measurement, 'layers' | 'workload' | 'threads' | 'contender'> {
  /** The ratios to the baseline, then and now. */
  readonly before: number;
  readonly after: number;
  /** `after` divided by `before`. */
  readonly change: Ratio;
  /**
   * `slower` or `faster` if the change exceeds the threshold and is not due to chance: the interval (the extremes, if
   * there are few runs) doesn't contain 1.
   */
  readonly verdict: 'slower' | 'faster' | 'unchanged';
}

/** Reads the JSON of an earlier run. Throws InputError for any other file. */
export async function readResult(path: string): Promise<BenchResult> {
  const text = await readFile(path, 'utf8');
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new InputError(
      `${path}: found no JSON (${(error as Error).message}), expected a file that --json wrote`,
    );
  }
  const { schema, measurements, settings, stacks } = (found ?? {}) as Partial<BenchResult>;
  const isResult = Array.isArray(measurements) && Array.isArray(stacks) && typeof settings === 'object';
  if ((schema as unknown) !== SCHEMA) {
    const version = schema === undefined ? 'none' : JSON.stringify(schema);
    throw new InputError(
      `${path}: found schema ${version}, expected ${SCHEMA}, which --json of this version writes`,
    );
  }
  if (!isResult) throw new InputError(`${path}: found no measurements, expected a file that --json wrote`);
  return found as BenchResult;
}

/**
 * The changes of everything that both results contain, in the order of `after`. Throws InputError if their stacks or
 * settings differ. `path`: of the older result.
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
    `${path}: found none of this run's measurements, expected a run that includes ${baseline}`,
  );
}

function judge({ median, low, high }: Ratio, threshold: number): Change['verdict'] {
  if (median > threshold && low > 1) return 'slower';
  return median < 1 / threshold && high < 1 ? 'faster' : 'unchanged';
}

/** The rounds in `result` that match `wanted`, and those of the baseline; undefined if `result` lacks either. */
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

/** Throws InputError unless both runs had the same stacks and settings. */
function refuseUnlike(before: BenchResult, after: BenchResult, path: string): void {
  const facts = ({ settings, stacks }: BenchResult): [string, string][] => [
    ['--operations', String(settings.operations)],
    ['--seed', String(settings.seed)],
    ['--cold', settings.dropsCaches ? settings.cold : 'without dropping caches'],
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
      `${path}: found ${name} ${value}, expected ${now.get(name) ?? ''} as in this run: results of different settings can't be compared`,
    );
  }
}
