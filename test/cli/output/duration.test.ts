import { expect, it } from 'vitest';
import { showDuration } from '../../../src/cli/output/duration.ts';

it.each([
  [-5, '0s'],
  [999, '0s'],
  [5000, '5s'],
  [60_000, '1m'],
  [725_000, '12m 5s'],
  [3_600_000 * 26, '1d 2h'],
  [86_400_000 * 3 + 59_000, '3d'],
])('%d ms are shown as %s', (milliseconds, text) => {
  expect(showDuration(milliseconds)).toBe(text);
});
