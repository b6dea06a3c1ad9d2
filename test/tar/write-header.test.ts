import { describe, expect, it } from 'vitest';
import { checkChecksum, Field, readNumber } from '../../src/tar/header.ts';
import { Place } from '../../src/tar/place.ts';
import { fitsOctal, headerBlock, type HeaderFields } from '../../src/tar/write-header.ts';

const place = new Place('x.tar');
const plain: HeaderFields = { name: 'n', mode: 0o644, typeflag: '0', size: 0 };

/** Offset and size of each field, from the table of POSIX ustar. */
const fields = {
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  devmajor: [329, 8],
  devminor: [337, 8],
} as const;

describe.each(Object.entries(fields))('the field %s', (name, [offset, size]) => {
  const limit = 8 ** (size - 1) - 1;
  const written = (value: number): Buffer =>
    headerBlock({ ...plain, [name]: value }).subarray(offset, offset + size);

  it.each([0, 0o262143, limit - 1, limit])('holds %d in octal, ended by a NUL', (value) => {
    expect(written(value).toString('latin1')).toBe(`${value.toString(8).padStart(size - 1, '0')}\0`);
    expect(fitsOctal(value, size)).toBe(true);
  });

  it.each([limit + 1, 2 ** 32 - 2, 2 ** 40, Number.MAX_SAFE_INTEGER - 1, -1, -(2 ** 33)])(
    'holds %d in base-256',
    (value) => {
      const field = written(value);
      if (fitsOctal(value, size)) return;
      expect((field[0] as number) & 0x80).toBe(0x80);
      expect(readNumber(field, 0, size, place, name)).toBe(value);
    },
  );
});

describe('a header block', () => {
  it('has its checksum, magic and version', () => {
    const block = headerBlock({ ...plain, name: Buffer.from([0xff, 0x41]), linkname: 'l' });
    expect(block).toHaveLength(512);
    expect(() => {
      checkChecksum(block, 0, place);
    }).not.toThrow();
    expect(block.toString('latin1', Field.magic, Field.magic + 8)).toBe('ustar\x0000');
    expect([...block.subarray(0, 3)]).toEqual([0xff, 0x41, 0]);
  });

  it('keeps permission bits alone of a mode', () => {
    const block = headerBlock({ ...plain, mode: 0o106755 });
    expect(block.toString('latin1', Field.mode, Field.mode + 8)).toBe('0006755\0');
  });
});
