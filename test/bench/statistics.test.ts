import { describe, expect, it } from 'vitest';
import { Random } from '../../src/bench/random.ts';
import {
  FEWEST_ROUNDS,
  type Rounds,
  changeOf,
  median,
  medianRatio,
  quantile,
  ratioOf,
  spread,
} from '../../src/bench/statistics.ts';

const seeds = Array.from({ length: 50 }, (_, seed) => seed);

/** Positive values with a few outliers, like latencies. */
function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => (1 + random.below(1000)) * (random.below(20) === 0 ? 50 : 1));
}

describe('quantile', () => {
  it.each(seeds)('lies between its neighbours, and grows with q (seed %i)', (seed) => {
    const random = new Random(seed);
    const sorted = draw(random, 1 + random.below(40)).sort((a, b) => a - b);
    let before = sorted[0] as number;
    for (let q = 0; q <= 1; q += 0.05) {
      const value = quantile(sorted, q);
      expect(value).toBeGreaterThanOrEqual(before);
      expect(sorted.filter((each) => each <= value).length).toBeGreaterThanOrEqual(
        Math.floor(q * (sorted.length - 1)) + 1,
      );
      before = value;
    }
    expect(quantile(sorted, 0)).toBe(sorted[0]);
    expect(quantile(sorted, 1)).toBe(sorted.at(-1));
  });

  it('is NaN for no values', () => expect(quantile([], 0.5)).toBeNaN());

  it('interpolates between two values', () => expect(quantile([10, 20], 0.25)).toBe(12.5));
});

it('the median is the middle value, or half way between two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([8, 1, 2, 9])).toBe(5);
});

it.each(seeds)('spread stays when all values are scaled (seed %i)', (seed) => {
  const values = draw(new Random(seed), 15);
  expect(spread(values.map((value) => 3 * value))).toBeCloseTo(spread(values), 10);
});

describe('ratioOf', () => {
  it.each(seeds)('holds its median in its interval, and turns over with its sides (seed %i)', (seed) => {
    const random = new Random(seed);
    const rounds = FEWEST_ROUNDS + 1 + 2 * random.below(7);
    const [ours, theirs] = [draw(random, rounds), draw(random, rounds)];
    const ratio = ratioOf(ours, theirs, new Random(seed));
    expect(ratio.low).toBeLessThanOrEqual(ratio.median);
    expect(ratio.high).toBeGreaterThanOrEqual(ratio.median);
    const turned = ratioOf(theirs, ours, new Random(seed));
    if (rounds % 2 === 1) expect(turned.median * ratio.median).toBeCloseTo(1, 10);
    const verdicts = { lower: 'higher', higher: 'lower', same: 'same', undecided: 'undecided' };
    // The resamples are the same; rounding can only change the verdict if the interval nearly touches 1.
    if (Math.abs(ratio.low - 1) > 0.05 && Math.abs(ratio.high - 1) > 0.05) {
      expect(turned.verdict).toBe(verdicts[ratio.verdict]);
    }
  });

  it('the same seed gives the same interval', () => {
    const [ours, theirs] = [draw(new Random(1), 12), draw(new Random(2), 12)];
    expect(ratioOf(ours, theirs, new Random(3))).toEqual(ratioOf(ours, theirs, new Random(3)));
  });

  it('finds a factor of two in every round, however the rounds vary', () => {
    const theirs = draw(new Random(5), 10);
    const ratio = ratioOf(
      theirs.map((value) => 2 * value),
      theirs,
      new Random(1),
    );
    expect(ratio).toEqual({ median: 2, low: 2, high: 2, verdict: 'higher' });
  });

  it('finds no difference between equal contenders in at least nine of ten comparisons', () => {
    let different = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = new Random(1000 + seed);
      const { verdict } = ratioOf(draw(random, 10), draw(random, 10), random);
      if (verdict !== 'same') different++;
    }
    expect(different).toBeLessThan(40);
  });

  it('is undecided with too few rounds', () => {
    const theirs = Array.from({ length: FEWEST_ROUNDS - 1 }, () => 100);
    const ours = theirs.map((value) => value / 10);
    expect(ratioOf(ours, theirs, new Random(1)).verdict).toBe('undecided');
    expect(ratioOf([...ours, 10], [...theirs, 100], new Random(1)).verdict).toBe('lower');
  });
});

describe('changeOf', () => {
  const drawRounds = (random: Random, count: number): Rounds => ({
    ours: draw(random, count),
    theirs: draw(random, count),
  });

  it.each(seeds)('holds its median in its interval, and is 1 of what stayed (seed %i)', (seed) => {
    const random = new Random(seed);
    const before = drawRounds(random, FEWEST_ROUNDS + random.below(10));
    const after = drawRounds(random, FEWEST_ROUNDS + random.below(10));
    const change = changeOf(before, after, random);
    expect(change.median).toBeCloseTo(medianRatio(after) / medianRatio(before), 10);
    expect(change.low).toBeLessThanOrEqual(change.median);
    expect(change.high).toBeGreaterThanOrEqual(change.median);
    expect(changeOf(before, before, random)).toMatchObject({ median: 1, verdict: 'same' });
  });

  it('finds a change if all values changed, and none with too few rounds', () => {
    const before = drawRounds(new Random(1), 9);
    const { ours, theirs } = drawRounds(new Random(2), 9);
    const after = { ours: ours.map((value) => 1e6 * value), theirs };
    expect(changeOf(before, after, new Random(1)).verdict).toBe('higher');
    expect(changeOf(after, before, new Random(1)).verdict).toBe('lower');
    const few = { ours: before.ours.slice(4), theirs: before.theirs.slice(4) };
    expect(changeOf(few, after, new Random(1)).verdict).toBe('undecided');
  });
});

describe('the ratio of medians', () => {
  it('lies between the extremes of the ratios of rounds', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const [ours, theirs] = [draw(random, 4), draw(random, 4)];
      const { low, median: middle, high } = ratioOf(ours, theirs, random);
      expect(low <= middle && middle <= high, `seed ${seed}`).toBe(true);
    }
  });
});
