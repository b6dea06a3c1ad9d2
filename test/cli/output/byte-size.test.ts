import { expect, it } from 'vitest';
import { parseByteSize, showByteSize } from '../../../src/cli/output/byte-size.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

it.each([
  ['4096', 4096],
  ['1k', 1024],
  ['256M', 256 * 1024 ** 2],
  ['1.5G', 1.5 * 1024 ** 3],
  ['2GiB', 2 * 1024 ** 3],
  ['1TB', 1024 ** 4],
])('%s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text, '--cache-size')).toBe(bytes);
});

it.each(['', 'M', '-1', '0', '1X', '1e9', '12 apples', '99999999999999999999G'])(
  '%j is not a size',
  (text) => {
    expect(() => parseByteSize(text, '--cache-size')).toThrow(UsageError);
    expect(() => parseByteSize(text, '--cache-size')).toThrow(
      /^--cache-size: found '.*', expected a size such as/,
    );
  },
);

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [14_541, '14.2 KiB'],
  [786 * 1024 ** 2, '786 MiB'],
  [3 * 1024 ** 5, '3072 TiB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(showByteSize(bytes)).toBe(text);
});
