import { expect, it } from 'vitest';
import { Random } from '../../src/bench/random.ts';

it('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.below(1000));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

it('numbers are whole, below their bound, and cover the whole range, also above 2^31', () => {
  const random = new Random(7);
  expect(new Set(Array.from({ length: 500 }, () => random.below(10)))).toEqual(
    new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
  );
  const large = Array.from({ length: 100 }, () => random.below(2 ** 32));
  expect(large.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
  expect(large.some((n) => n > 2 ** 31)).toBe(true);
});

it('a shuffle keeps all values, and puts each value at each place equally often', () => {
  const random = new Random(3);
  const values = [0, 1, 2, 3];
  const counts = values.map(() => values.map(() => 0));
  for (let n = 0; n < 4000; n++) {
    const shuffled = random.shuffle(values);
    expect(shuffled.toSorted()).toEqual(values);
    for (const [place, value] of shuffled.entries()) {
      const ofPlace = counts[place] as number[];
      ofPlace[value] = (ofPlace[value] as number) + 1;
    }
  }
  for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(120);
});
