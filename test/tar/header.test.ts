import { describe, expect, test } from 'vitest';
import { checkChecksum, Dialect, dialectOf, readNumber } from '../../src/tar/header.ts';
import { Place } from '../../src/tar/place.ts';
import { FormatError } from '../../src/vfs/input-error.ts';
import { rawHeader } from './raw-tar.ts';

const place = new Place('x.tar');
const read = (field: Buffer | string): number => {
  const bytes = typeof field === 'string' ? Buffer.from(field, 'latin1') : field;
  return readNumber(bytes, 0, bytes.length, place, 'a number');
};
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a number', () => {
  test.each([
    ['0000644\0', 0o644],
    ['000644 \0', 0o644],
    ['   644 \0', 0o644],
    ['   644\0 ', 0o644],
    ['00000644', 0o644],
    ['\0\0\0\0\0\0\0\0', 0],
    ['        ', 0],
    ['\0  644\0 ', 0o644],
    ['644\0junk', 0o644],
    ['644 junk', 0o644],
    ['77777777777\0', 8 ** 11 - 1],
    ['777777777777', 8 ** 12 - 1],
  ])('is octal with any padding: %j', (field, value) => {
    expect(read(field)).toBe(value);
  });

  test.each([
    ['80 00 00 00 00 00 00 2a', 42],
    ['80 00 00 00 00 00 00 02 00 00 00 00', 2 ** 33],
    ['80 00 00 00 00 1f ff ff ff ff ff fe', Number.MAX_SAFE_INTEGER - 1],
    ['ff ff ff ff ff ff ff ff ff ff ff ff', -1],
    ['ff ff ff ff ff ff ff ff ff ff ff 00', -256],
    ['ff ff ff ff 00 00 00 00', -(2 ** 32)],
  ])('is base-256: %s', (field, value) => {
    expect(read(hex(field))).toBe(value);
  });

  test.each(['80 00 00 00 00 1f ff ff ff ff ff ff', 'bf ff ff ff ff ff ff ff', 'c0 00 00 00 00 00 00 00'])(
    'past 2^53 is refused: %s',
    (field) => {
      expect(() => read(hex(field))).toThrow(/past 2\^53/);
    },
  );

  test.each(['0000648\0', 'x000644\0', '-000644\0', '0x1\0\0\0\0\0', '\0\0\0\0\0\0\0x', '0000644x'])(
    'that is none is refused: %j',
    (field) => {
      expect(() => read(field)).toThrow(FormatError);
      expect(() => read(field)).toThrow(/x.tar: at byte 0: found '.*', expected a number in octal/);
    },
  );
});

describe('the checksum', () => {
  test('is the sum of the bytes, unsigned or signed', () => {
    const block = rawHeader({ name: Buffer.from([0xe9, 0xff]) });
    expect(() => checkChecksum(block, 0, place)).not.toThrow();
    const unsigned = readNumber(block, 148, 8, place, '');
    block.write(`${(unsigned - 512).toString(8).padStart(6, '0')}\0 `, 148);
    expect(() => checkChecksum(block, 0, place)).not.toThrow();
  });

  test('that is wrong is refused by both sums', () => {
    const block = rawHeader({ name: 'a' });
    block.write('b');
    expect(() => checkChecksum(block, 0, place)).toThrow(
      /at byte 148: found the checksum \d+, expected \d+, the sum of the header's bytes/,
    );
  });
});

test('the magic decides the dialect', () => {
  expect(dialectOf(rawHeader({}), 0)).toBe(Dialect.posix);
  expect(dialectOf(rawHeader({ magic: 'gnu' }), 0)).toBe(Dialect.gnu);
  expect(dialectOf(rawHeader({ magic: 'v7' }), 0)).toBe(Dialect.v7);
  expect(dialectOf(rawHeader({ patch: (block) => block.write('tar\0', 508, 'latin1') }), 0)).toBe(
    Dialect.star,
  );
});
