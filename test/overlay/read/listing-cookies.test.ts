import { describe, expect, test } from 'vitest';
import { cookieOf, positionOf, roundAfter } from '../../../src/overlay/read/listing-cookies.ts';

describe('cookies of a listing', () => {
  test.each([0, 1, 2, 3, 2 ** 20 - 1, 2 ** 20, 2 ** 31 + 5])(
    'keep position %i in every round',
    (position) => {
      for (const round of [0, 1, 2, 1000, 2047]) {
        expect(positionOf(cookieOf(position, round))).toBe(position);
      }
    },
  );

  test('of different rounds are different, and increase with the position', () => {
    expect(cookieOf(7, 1)).not.toBe(cookieOf(7, 2));
    for (const position of [0, 2 ** 20 - 1, 2 ** 21 - 1]) {
      expect(cookieOf(position + 1, 5)).toBeGreaterThan(cookieOf(position, 5));
    }
  });

  test('fit in 31 bits in a directory of fewer than a million names', () => {
    expect(cookieOf(1_000_000, 2047)).toBeLessThan(2 ** 31);
  });

  test('of round 0 are positions, and no later round is round 0', () => {
    expect(cookieOf(12_345, 0)).toBe(12_345);
    let round = 0;
    for (let n = 0; n < 5000; n++) {
      const next = roundAfter(round);
      expect(next).not.toBe(round);
      expect(next).toBeGreaterThan(0);
      expect(next).toBeLessThan(2048);
      round = next;
    }
  });
});
