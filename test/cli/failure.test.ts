// Messages for failures of the machine, such as limits.
import { expect, it } from 'vitest';
import { describeFailure } from '../../src/cli/failure.ts';
import { EMFILE, ENOSPC, ErrnoError } from '../../src/vfs/errno.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { writeFailure } from '../../src/vfs/write-failure.ts';

const advice = 'this process may open no more files: raise the limit (ulimit -Hn, LimitNOFILE=)';

it('a limit of the process is named with a remedy, also if it is the cause of an error', () => {
  const error = new ErrnoError(EMFILE, 'open', 'a.tar');
  expect(describeFailure(error)).toBe(`EMFILE: open 'a.tar': ${advice}`);
  expect(describeFailure(new InputError("a.tar: can't open", { cause: error }))).toBe(
    `a.tar: can't open: ${advice}`,
  );
});

it('a failed allocation is reported with a remedy, not as an internal error', () => {
  expect(describeFailure(new RangeError('Array buffer allocation failed'))).toMatch(
    /out of memory: free some, or raise the limit \(ulimit -v\)$/,
  );
});

it('a write failure names the file; other failures are not changed', () => {
  const full = writeFailure(new ErrnoError(ENOSPC, 'write'), 'new.tar');
  expect(describeFailure(full)).toBe('new.tar: no space left on the device (ENOSPC)');
  const other = new Error('other');
  expect(writeFailure(other, 'new.tar')).toBe(other);
});
