// The longest turn of the event loop.
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LoopTurns } from '../../src/sys/loop-turns.ts';

function keepBusy(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

it('a turn is as long as what keeps the loop busy, until it is reset', async () => {
  const turns = new LoopTurns();
  try {
    await setImmediate();
    await setImmediate();
    keepBusy(50);
    await setImmediate();
    await setImmediate();
    expect(turns.longest()).toBeGreaterThanOrEqual(50);
    turns.reset();
    expect(turns.longest()).toBe(0);
  } finally {
    turns.close();
    turns.close();
  }
});
