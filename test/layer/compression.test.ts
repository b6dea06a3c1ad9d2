import { describe, expect, it } from 'vitest';
import { detectCompression } from '../../src/layer/compression.ts';

const detect = (...bytes: number[]): string => detectCompression(Uint8Array.from(bytes), 'layer 1 of x.tar');

describe('detectCompression', () => {
  it('detects gzip and zstd by their first bytes', () => {
    expect(detect(0x1f, 0x8b, 8, 0, 0, 0)).toBe('gzip');
    expect(detect(0x28, 0xb5, 0x2f, 0xfd, 4, 0)).toBe('zstd');
  });

  it('takes each skippable frame for zstd', () => {
    for (let nibble = 0; nibble < 16; nibble++)
      expect(detect(0x50 + nibble, 0x2a, 0x4d, 0x18, 4, 0)).toBe('zstd');
  });

  it('detects xz and bzip2, even an empty stream', () => {
    expect(detect(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)).toBe('xz');
    expect(detect(...Buffer.from('BZh91AY&SY'))).toBe('bzip2');
    expect(detect(...Buffer.from('BZh1\x17\x72\x45\x38\x50\x90', 'latin1'))).toBe('bzip2');
  });

  it('takes anything else for a plain tar, the empty blob too', () => {
    expect([detect(), detect(0), detect(0x1f), detect(0x65, 0x74, 0x63, 0x2f)]).toEqual(
      Array(4).fill('none'),
    );
  });

  it('takes a name that begins like a magic for a name', () => {
    for (const name of ['BZh91.bz', 'BZh91AY.bz', 'BZhx1AY&SY', 'BZh\0\0\0', 'LZIP/a', 'LZIP\0\0'])
      expect(detect(...Buffer.from(name)), name).toBe('none');
  });

  it('refuses what it knows and does not read, by name, with the command that helps', () => {
    expect(() => detect(...Buffer.from('LZIP\x01'))).toThrow(/lzip/);
    expect(() => detect(0x04, 0x22, 0x4d, 0x18)).toThrow(
      'layer 1 of x.tar: found lz4 compression, expected a tar that is plain or compressed by gzip, zstd, xz or bzip2; ' +
        'decompress it first: `lz4 -d`',
    );
  });
});
