import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/sys/collect-garbage.ts';

const SIZE = 64 << 20;

/** A frame of its own, so that nothing holds the buffer afterwards. */
function leaveBehind(): number {
  const before = process.memoryUsage().arrayBuffers;
  const buffer = new ArrayBuffer(SIZE);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThanOrEqual(buffer.byteLength);
  return before;
}

test('a buffer that nobody holds is freed, and no global gc is left', () => {
  const before = leaveBehind();
  collectGarbage();
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + SIZE / 2);
  expect(globalThis).not.toHaveProperty('gc');
});
