// What is said of samples: quantiles, and the ratio of two contenders with a confidence interval.
//
// A ratio is taken within a round, where both met the same weather; the median of the rounds' ratios is told. Its
// interval is the percentile bootstrap's: rounds are drawn again, with replacement, and the medians of the draws tell how
// far chance alone would move it. It assumes that rounds are alike and independent, no distribution.
import type { Random } from './random.ts';

/** Of the interval. */
export const CONFIDENCE = 0.95;
const RESAMPLES = 2000;
/**
 * With fewer rounds no interval can say anything: were there no difference, all of five rounds would still fall on one
 * side in 6 cases of 100.
 */
export const FEWEST_ROUNDS = 6;

/** The value below which the fraction `q` of `sorted` (ascending) lies, interpolated linearly; NaN of nothing. */
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

/** How far the middle half of the values is apart, as a fraction of their median. */
export function spread(values: readonly number[]): number {
  const sorted = ascending(values);
  return (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / quantile(sorted, 0.5);
}

/** `undecided`: too few rounds to tell. `same`: the interval contains 1. */
export type Verdict = 'lower' | 'higher' | 'same' | 'undecided';

export interface Ratio {
  /** The median of the rounds' ratios. */
  readonly median: number;
  /** The interval of CONFIDENCE around it; of too few rounds, the extremes. */
  readonly low: number;
  readonly high: number;
  readonly verdict: Verdict;
}

/** `ours` by `theirs`, a value of each in every round. */
export function ratioOf(ours: readonly number[], theirs: readonly number[], random: Random): Ratio {
  const ratios = roundRatios(ours, theirs);
  const sorted = ascending(ratios);
  const middle = quantile(sorted, 0.5);
  if (ratios.length < FEWEST_ROUNDS) {
    return { median: middle, low: quantile(sorted, 0), high: quantile(sorted, 1), verdict: 'undecided' };
  }
  return withInterval(middle, () => medianOfDraw(ratios, random));
}

/** A value of each by the other's, of the same round. */
export function roundRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, round) => value / (theirs[round] ?? NaN));
}

/** How the median of `after` is to that of `before`, which were found in rounds of their own. */
export function changeOf(before: readonly number[], after: readonly number[], random: Random): Ratio {
  const middle = median(after) / median(before);
  if (Math.min(before.length, after.length) < FEWEST_ROUNDS) {
    const low = Math.min(...after) / Math.max(...before);
    const high = Math.max(...after) / Math.min(...before);
    return { median: middle, low, high, verdict: 'undecided' };
  }
  return withInterval(middle, () => medianOfDraw(after, random) / medianOfDraw(before, random));
}

function medianOfDraw(values: readonly number[], random: Random): number {
  return median(values.map(() => values[random.below(values.length)] as number));
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
