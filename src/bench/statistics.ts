// Statistics of samples: quantiles, and the ratio of two contenders with a confidence interval.
//
// A ratio is the ratio of the two medians, so that it agrees with the medians in the same table. Its interval is a
// percentile bootstrap: rounds are resampled with replacement, keeping both contenders' runs of a round together, since
// they ran under the same conditions. The ratios of the resamples show the effect of chance. The method assumes that
// rounds are identically distributed and independent, but no particular distribution.
import type { Random } from './random.ts';

/** The confidence level of the intervals. */
export const CONFIDENCE = 0.95;
const RESAMPLES = 2000;
/**
 * With fewer rounds an interval is meaningless: without any difference, all of five rounds fall on one side in 6 cases
 * of 100.
 */
export const FEWEST_ROUNDS = 6;

/** The `q` quantile of `sorted` (ascending), interpolated linearly; NaN if it is empty. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return NaN;
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (place - below);
}

export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5);
}

/** The interquartile range of the values, as a fraction of their median. */
export function spread(values: readonly number[]): number {
  const sorted = ascending(values);
  return (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / quantile(sorted, 0.5);
}

/** `undecided`: too few rounds. `same`: the interval contains 1. */
export type Verdict = 'lower' | 'higher' | 'same' | 'undecided';

export interface Ratio {
  /** The ratio of the medians. */
  readonly median: number;
  /** The confidence interval; with too few rounds, the extremes of the rounds' ratios. */
  readonly low: number;
  readonly high: number;
  readonly verdict: Verdict;
}

/** The values of two contenders, one a round. */
export interface Rounds {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** `ours` divided by `theirs`. */
export function ratioOf(ours: readonly number[], theirs: readonly number[], random: Random): Ratio {
  const rounds = { ours, theirs };
  const middle = medianRatio(rounds);
  if (ours.length < FEWEST_ROUNDS) {
    const ratios = roundRatios(rounds);
    return { median: middle, low: Math.min(...ratios), high: Math.max(...ratios), verdict: 'undecided' };
  }
  return withInterval(middle, () => medianRatio(drawRounds(rounds, random)));
}

/** The ratio of the medians. */
export function medianRatio({ ours, theirs }: Rounds): number {
  return median(ours) / median(theirs);
}

function roundRatios({ ours, theirs }: Rounds): number[] {
  return ours.map((value, round) => value / (theirs[round] ?? NaN));
}

/** The ratio of `after` divided by that of `before`, which were measured in separate rounds. */
export function changeOf(before: Rounds, after: Rounds, random: Random): Ratio {
  const middle = medianRatio(after) / medianRatio(before);
  if (Math.min(before.ours.length, after.ours.length) < FEWEST_ROUNDS) {
    const [were, are] = [roundRatios(before), roundRatios(after)];
    const low = Math.min(...are) / Math.max(...were);
    const high = Math.max(...are) / Math.min(...were);
    return { median: middle, low, high, verdict: 'undecided' };
  }
  return withInterval(
    middle,
    () => medianRatio(drawRounds(after, random)) / medianRatio(drawRounds(before, random)),
  );
}

function drawRounds({ ours, theirs }: Rounds, random: Random): Rounds {
  const drawn = ours.map(() => random.below(ours.length));
  const pick = (values: readonly number[]): number[] => drawn.map((round) => values[round] ?? NaN);
  return { ours: pick(ours), theirs: pick(theirs) };
}

function withInterval(middle: number, draw: () => number): Ratio {
  const draws = Float64Array.from({ length: RESAMPLES }, draw).sort();
  const low = quantile(draws, (1 - CONFIDENCE) / 2);
  const high = quantile(draws, (1 + CONFIDENCE) / 2);
  return { median: middle, low, high, verdict: high < 1 ? 'lower' : low > 1 ? 'higher' : 'same' };
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}
