import { expect, it } from 'vitest';
import { parseRestart } from '../../../src/cli/options/restart-option.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

it('is on, off or a limit', () => {
  expect(parseRestart('on')).toEqual({ crashes: 5, seconds: 60 });
  expect(parseRestart('off')).toBe('off');
  expect(parseRestart('20/3600')).toEqual({ crashes: 20, seconds: 3600 });
  expect(parseRestart('1000/86400')).toEqual({ crashes: 1000, seconds: 86400 });
});

it.each(['', 'yes', '5', '5/', '/60', '0/60', '5/0', '1001/60', '5/86401', '5/60/1', '-5/60', '5.5/60'])(
  'is not %j',
  (value) => {
    expect(() => parseRestart(value)).toThrow(UsageError);
  },
);
