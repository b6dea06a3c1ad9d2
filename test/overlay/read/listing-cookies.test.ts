import { describe, expect, test } from 'vitest';
import {
  NO_ROUND,
  cookieOf,
  firstRound,
  positionOf,
  roundAfter,
} from '../../../src/overlay/read/listing-cookies.ts';

describe('cookies of a listing', () => {
  test.each([0, 1, 2, 3, 2 ** 20 - 1, 2 ** 20, 2 ** 31 + 5])(
    'keep position %i in every round',
    (position) => {
      for (const round of [0, 1, 2, 1000, 2047]) {
        expect(positionOf(cookieOf(position, round), 7)).toBe(position);
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
    expect([cookieOf(12_345, 0), positionOf(12_345, 5)]).toEqual([12_345, 12_345]);
    let round = 0;
    for (let n = 0; n < 5000; n++) {
      const next = roundAfter(round);
      expect(next).not.toBe(round);
      expect(next).toBeGreaterThan(0);
      expect(next).toBeLessThan(2048);
      round = next;
    }
  });

  test('are positions in a directory of which the tree has more than a million names', () => {
    expect([firstRound(2 ** 20 - 4), firstRound(2 ** 20 - 3)]).toEqual([0, NO_ROUND]);
    expect(roundAfter(NO_ROUND)).toBe(NO_ROUND);
    for (const position of [5, 2 ** 20, 3_000_000]) {
      expect([cookieOf(position, NO_ROUND), positionOf(position, NO_ROUND)]).toEqual([position, position]);
    }
  });
});
