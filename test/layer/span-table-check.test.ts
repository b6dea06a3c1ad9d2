import { expect, it } from 'vitest';
import { checkSpanTable } from '../../src/layer/span-table-check.ts';
import { SpanKind, type SpanTable } from '../../src/sys/scan.ts';

/** One span of each kind, the first with a window. */
function spans(): SpanTable {
  return {
    count: 3,
    plainOffset: Float64Array.of(0, 4096, 8192, 9999),
    blobOffset: Float64Array.of(10, 500, 700, 1000),
    windowOffset: Uint32Array.of(0, 5, 5, 5),
    crc32: Uint32Array.of(1, 2, 3),
    bits: Uint8Array.of(7, 0, 0),
    kind: Uint8Array.of(SpanKind.inflate, SpanKind.zstd, SpanKind.spill),
    windows: Uint8Array.of(1, 2, 3, 4, 5),
  };
}

it('passes what a scan makes', () => {
  expect(checkSpanTable(spans(), 9999, true)).toBeUndefined();
});

it.each<[rule: string, change: (spans: SpanTable) => void]>([
  ['offsets of spans do not ascend', (s) => (s.plainOffset[1] = 9000)],
  ['offsets of spans do not ascend', (s) => (s.plainOffset[1] = NaN)],
  ['offsets of spans do not ascend', (s) => (s.plainOffset[1] = 0.5)],
  ['offsets of spans do not ascend', (s) => (s.blobOffset[0] = -1)],
  ['offsets of spans do not ascend', (s) => (s.blobOffset[3] = 2 ** 60)],
  ['offsets of windows do not ascend', (s) => (s.windowOffset[1] = 0xf000_0000)],
  ['offsets of windows do not ascend', (s) => (s.windowOffset[0] = 1)],
  ['the windows do not fill their column', (s) => (s.windowOffset[3] = 6)],
  ['the first span does not begin at 0', (s) => (s.plainOffset[0] = 1)],
  ['the spans are not the whole tar', (s) => (s.plainOffset[3] = 10_000)],
  ['span 0 has a wrong checkpoint', (s) => (s.bits[0] = 8)],
  ['span 1 has a wrong checkpoint', (s) => (s.bits[1] = 1)],
  ['span 0 has an unknown kind', (s) => (s.kind[0] = 3)],
])('refuses: %s (%s)', (rule, change) => {
  const table = spans();
  change(table);
  expect(checkSpanTable(table, 9999, true)).toBe(rule);
});

it('refuses a spilled span of a layer that spilled nothing, and a size that is none', () => {
  expect(checkSpanTable(spans(), 9999, false)).toBe('span 2 was not spilled');
  expect(checkSpanTable(spans(), -1, true)).toBe('the size of the tar is wrong');
});
