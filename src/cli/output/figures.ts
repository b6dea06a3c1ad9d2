// Times and ratios of the bench: three digits, with the confidence interval.
import type { Ratio } from '../../bench/bench.ts';

/** "843 ns", "17.1 us", "2.35 ms", "12.0 s". */
export function showNanoseconds(nanoseconds: number): string {
  const units = ['ns', 'us', 'ms', 's'];
  let value = nanoseconds;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value >= 99.95 || unit === 0 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] as string}`;
}

/** "102", "10.3", "0.43", "0.0013". */
export function showFactor(factor: number): string {
  if (factor < 0.0995) return factor.toPrecision(2);
  return factor >= 99.95 ? factor.toFixed(0) : factor >= 9.995 ? factor.toFixed(1) : factor.toFixed(2);
}

/** A ratio of times: the factor, the interval and the direction. The factor is 1 or more; bounds may be less. */
export interface ShownRatio {
  /** "1.31 (1.25-1.37)" */
  readonly factor: string;
  readonly direction: 'slower' | 'faster';
}

export function describeRatio({ median, low, high }: Ratio): ShownRatio {
  const isFaster = median < 1;
  const [factor, from, to] = isFaster ? [1 / median, 1 / high, 1 / low] : [median, low, high];
  return {
    factor: `${showFactor(factor)} (${showFactor(from)}-${showFactor(to)})`,
    direction: isFaster ? 'faster' : 'slower',
  };
}

/**
 * "1.31x faster (1.25-1.37)", "1.02x slower (0.98-1.06), no difference"; '' without a ratio.
 */
export function showRatio(ratio: Ratio | undefined): string {
  if (ratio === undefined) return '';
  const { factor, direction } = describeRatio(ratio);
  const word = { same: ', no difference', undecided: ', too few runs', lower: '', higher: '' }[ratio.verdict];
  return `${factor.replace(' ', `x ${direction} `)}${word}`;
}

export const showPercent = (fraction: number): string => `${(100 * fraction).toFixed(0)}%`;
