// What users of one process hold together, by key.
import { describe, expect, it } from 'vitest';
import { SharedValues } from '../../src/layer/shared-values.ts';

describe('shared values', () => {
  it('are closed by the last of their users', () => {
    const closed: string[] = [];
    const values = new SharedValues<string>();
    const first = values.add('a', 'value', (value) => closed.push(value));
    const second = values.take('a');
    expect(second?.value).toBe('value');
    first.release();
    first.release();
    expect(closed).toEqual([]);
    second?.release();
    expect(closed).toEqual(['value']);
    expect(values.take('a')).toBeUndefined();
  });

  it('are made in turn, and a failure leaves the turn to the next', async () => {
    const values = new SharedValues<string>();
    const events: string[] = [];
    const first = values.inTurn('a', undefined, async () => {
      events.push('first');
      await Promise.resolve();
      events.push('first fails');
      throw new Error('no');
    });
    const second = values.inTurn('a', undefined, () => Promise.resolve(events.push('second')));
    const other = values.inTurn('b', undefined, () => Promise.resolve(events.push('other')));
    await expect(first).rejects.toThrow('no');
    await Promise.all([second, other]);
    expect(events).toEqual(['first', 'other', 'first fails', 'second']);
  });

  it('stop waiting for their turn when they are aborted', async () => {
    const values = new SharedValues<string>();
    let end = (): void => undefined;
    const first = values.inTurn('a', undefined, () => new Promise<void>((resolve) => (end = resolve)));
    const abort = new AbortController();
    const second = values.inTurn('a', abort.signal, () => Promise.resolve('never'));
    abort.abort(new Error('stopped'));
    await expect(second).rejects.toThrow('stopped');
    end();
    await first;
  });
});
