import { expect, it } from 'vitest';
import { shortenDigest, showAge, showCreated } from '../../../src/cli/output/docker-units.ts';

const second = 1000;
const hour = 3600 * second;
it.each([
  [0, 'Less than a second'],
  [1.5 * second, '1 second'],
  [59 * second, '59 seconds'],
  [60 * second, 'About a minute'],
  [59 * 60 * second, '59 minutes'],
  [hour, 'About an hour'],
  [47.4 * hour, '47 hours'],
  [47.6 * hour, '2 days'],
  [24 * 13.9 * hour, '13 days'],
  [24 * 15 * hour, '2 weeks'],
  [24 * 60 * hour, '2 months'],
  [24 * 729 * hour, '24 months'],
  [24 * 731 * hour, '2 years'],
])('%d ms are %s', (milliseconds, text) => {
  expect(showAge(milliseconds)).toBe(text);
});

it('a time that is missing, malformed or before 1970 is N/A', () => {
  expect([undefined, 'yesterday', '0001-01-01T00:00:00Z'].map((time) => showCreated(time, 0))).toEqual(
    Array(3).fill('N/A'),
  );
  expect(showCreated('2024-01-01T00:00:00.123456789Z', Date.UTC(2024, 0, 4))).toBe('3 days ago');
});

it('shortens a digest', () => {
  expect(shortenDigest(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab');
  expect(shortenDigest(undefined)).toBe('');
});
