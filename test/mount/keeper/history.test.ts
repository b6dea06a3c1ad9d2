import { expect, it } from 'vitest';
import { NO_HISTORY, parseHistory } from '../../../src/mount/keeper/history.ts';

// Wait statuses as in waitpid(2): a signal's number, or the exit status times 256.
it.each([
  ['1 0 9', { crashes: 1, handovers: 0, lastEnd: 'SIGKILL' }],
  ['3 2 139', { crashes: 3, handovers: 2, lastEnd: 'SIGSEGV' }],
  ['2 1 17920', { crashes: 2, handovers: 1, lastEnd: 'exit status 70' }],
  ['0 4 19200', { crashes: 0, handovers: 4, lastEnd: 'upgrade' }],
  ['1 0 40', { crashes: 1, handovers: 0, lastEnd: 'signal 40' }],
])('%s is understood', (text, history) => {
  expect(parseHistory(text)).toEqual(history);
});

it.each(['', '1 0', '1 0 -9', '1 0 9 9', 'a b c', '99999999999 0 9'])(
  '%j is taken for the first start',
  (text) => {
    expect(parseHistory(text)).toEqual(NO_HISTORY);
  },
);
