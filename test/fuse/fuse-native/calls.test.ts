import { describe, expect, it } from 'vitest';
import { Calls } from '../../../src/fuse/fuse-native/calls.ts';
import { EIO, ENOSPC, ErrnoError } from '../../../src/vfs/errno.ts';

describe('the funnel of calls', () => {
  it('answers each once: a result, an errno that was thrown, and EIO for a defect', () => {
    const calls = new Calls();
    const answers: unknown[] = [];
    const answer = (act: () => number): void => calls.answer('UNLINK', act, (result) => answers.push(result));
    answer(() => 0);
    answer(() => {
      throw new ErrnoError(ENOSPC, 'write');
    });
    answer(() => {
      throw new Error('a defect');
    });
    expect(answers).toEqual([0, -ENOSPC, -EIO]);
    expect(calls.counts).toEqual({ UNLINK: 3 });
  });

  it('counts changes that go on, and ends when they have ended', async () => {
    const calls = new Calls();
    const answers: unknown[] = [];
    let finish: (result: number) => void = () => undefined;
    const writing = new Promise<number>((resolve) => (finish = resolve));
    calls.answer(
      'WRITE',
      () => writing,
      (result) => answers.push(result),
    );
    calls.answer(
      'READ',
      () => Promise.resolve(7),
      (result) => answers.push(result),
    );
    expect(calls.pendingChanges).toBe(1);
    const ended = calls.end().then(() => answers.push('ended'));
    await Promise.resolve();
    finish(5);
    await ended;
    expect(answers).toEqual([7, 5, 'ended']);
    expect(calls.pendingChanges).toBe(0);
  });
});
