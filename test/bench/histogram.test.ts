import { expect, it } from 'vitest';
import { Histogram } from '../../src/bench/histogram.ts';
import { Random } from '../../src/bench/random.ts';

it.each([1, 2, 3, 4, 5])('its quantiles are within 1 percent of the sorted values (seed %i)', (seed) => {
  const random = new Random(seed);
  const values = Array.from({ length: 5000 }, () => Math.round(2 ** (5 + random.below(30_000) / 1000)));
  const histogram = new Histogram();
  histogram.add(values.slice(0, 2000));
  histogram.add(values.slice(2000));
  const sorted = values.toSorted((a, b) => a - b);
  for (const q of [0.01, 0.5, 0.95, 0.99, 1]) {
    const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
    expect(Math.abs(histogram.quantile(q) / exact - 1)).toBeLessThan(0.011);
  }
  const { max, histogram: shown } = histogram.summary();
  expect(max).toBe(sorted.at(-1));
  expect(shown.reduce((sum, [, count]) => sum + count, 0)).toBe(values.length);
  for (const [i, [from, count]] of shown.entries()) {
    const next = from * 2 ** (1 / 8);
    const within = values.filter((value) => value >= from - 1 && value <= next + 1).length;
    expect(within, `bucket ${i} from ${from}`).toBeGreaterThanOrEqual(count);
  }
});

it('counts latencies of zero and of hours', () => {
  const histogram = new Histogram();
  histogram.add([0, 1e13]);
  expect(histogram.quantile(0.5)).toBeLessThan(2);
  expect(histogram.summary().max).toBe(1e13);
});

it('returns NaN for a quantile of no operations', () => expect(new Histogram().quantile(0.5)).toBeNaN());
