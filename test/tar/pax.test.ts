import { describe, expect, test } from 'vitest';
import { applyPaxRecords, PaxAttributes } from '../../src/tar/pax.ts';
import { Place } from '../../src/tar/place.ts';
import { FormatError } from '../../src/vfs/input-error.ts';
import { paxRecord } from './raw-tar.ts';

function parse(...records: (Buffer | string)[]): PaxAttributes {
  const bytes = Buffer.concat(records.map((record) => Buffer.from(record)));
  const out = new PaxAttributes();
  const place = new Place('x.tar');
  place.moveTo(0, 512);
  applyPaxRecords(bytes, 0, bytes.length, out, place);
  return out;
}

const xattrs = (...records: Buffer[]): Record<string, string> =>
  Object.fromEntries(
    [...(parse(...records).xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
  );

describe('records', () => {
  test('are read on bytes', () => {
    const raw = Buffer.from([0x64, 0xff, 0x0a, 0x3d]);
    const attributes = parse(
      paxRecord('path', raw),
      paxRecord('linkpath', raw),
      paxRecord('uid', '4294967295'),
      paxRecord('gid', '0'),
      paxRecord('comment', 'x'.repeat(1000)),
      // Names of owners are not ours to know, and may be no UTF-8.
      paxRecord('uname', raw),
      paxRecord('gname', raw),
    );
    expect(attributes.path).toEqual(raw);
    expect(attributes.linkpath).toEqual(raw);
    expect([attributes.uid, attributes.gid]).toEqual([0xffffffff, 0]);
  });

  test('the last of a key counts, and an empty one restores', () => {
    expect(parse('8 uid=1\n', '8 uid=2\n').uid).toBe(2);
    const attributes = parse(
      paxRecord('uid', '1'),
      paxRecord('uid', ''),
      paxRecord('path', 'a'),
      paxRecord('path', ''),
      paxRecord('mtime', '1'),
      paxRecord('mtime', ''),
    );
    expect(attributes).toEqual(new PaxAttributes());
  });

  test.each([
    ['', 'uid=1\n'],
    ['no length', ' uid=1\n'],
    ['a length too short', '7 uid=1\n'],
    ['a length past the end', '9 uid=1\n'],
    ['a length that is none', 'x uid=1\n'],
    ['a length of 0', '0 uid=1\n'],
    ['an endless length', `${'9'.repeat(400)} uid=1\n`],
    ['a negative length', '-8 uid=1\n'],
    ['no equals sign', '8 uid 1\n'],
    ['no key', '5 =1\n'],
    ['no newline', '8 uid=1x'],
    ['an end in the length', '8'],
    ['an end in the key', '8 ui'],
    ['zeros after it', '8 uid=1\n\0\0\0\0'],
  ])('with %s are refused by offset', (_, record) => {
    expect(() => parse(paxRecord('gid', '7'), record)).toThrow(FormatError);
    expect(() => parse(paxRecord('gid', '7'), record)).toThrow(/x.tar: at byte 52\d: found/);
  });

  test.each(['x', '-1', '1.5', '4294967296', ' 1', '0x1'])('the uid %j is refused', (value) => {
    expect(() => parse(paxRecord('uid', value))).toThrow(/expected uid, a decimal number up to 4294967295/);
  });
});

describe('times', () => {
  test.each([
    ['0', 0, 0],
    ['1.5', 1, 500_000_000],
    ['-0.25', -1, 750_000_000],
    ['-1', -1, 0],
    ['-1.0', -1, 0],
    ['-1.000000001', -2, 999_999_999],
    ['-0.0000000001', -1, 999_999_999],
    ['1.9999999999', 1, 999_999_999],
    ['+3.', 3, 0],
    ['1.000000001000', 1, 1],
    ['9000000000000000.123456789', 9e15, 123_456_789],
    ['-9000000000000000', -9e15, 0],
    ['8589934592', 8589934592, 0],
  ])('%s', (value, sec, nsec) => {
    expect(parse(paxRecord('mtime', value)).mtime).toEqual({ sec, nsec });
    expect(parse(paxRecord('atime', value)).atime).toEqual({ sec, nsec });
  });

  test.each(['x', '-', '.5', '1.5x', '1e5', '1,5', '9007199254740993', '9'.repeat(400), 'NaN', '--1', ' 1'])(
    '%j is refused',
    (value) => {
      expect(() => parse(paxRecord('mtime', value))).toThrow(/expected a time in seconds/);
    },
  );
});

describe('xattrs', () => {
  test('of SCHILY are raw bytes', () => {
    expect(
      xattrs(
        paxRecord('SCHILY.xattr.security.capability', Buffer.from('0100000200200000', 'hex')),
        paxRecord('SCHILY.xattr.user.nul', Buffer.from([0, 0x0a, 0xff, 0x3d])),
      ),
    ).toEqual({
      'security.capability': '0100000200200000',
      'user.nul': '000aff3d',
    });
  });

  test("of SCHILY have their names as they stand, as in Go's tools", () => {
    expect(
      xattrs(
        paxRecord('SCHILY.xattr.user.a%3Db', '1'),
        paxRecord('SCHILY.xattr.user.%2525', '2'),
        paxRecord('SCHILY.xattr.user.50%', '3'),
        paxRecord('SCHILY.xattr.user.%3d%C3', '4'),
      ),
    ).toEqual({ 'user.a%3Db': '31', 'user.%2525': '32', 'user.50%': '33', 'user.%3d%C3': '34' });
  });

  test('of LIBARCHIVE that bsdtar writes again as SCHILY count once', () => {
    expect(
      xattrs(
        paxRecord('LIBARCHIVE.xattr.user.%C3%A4%3D', 'eA'),
        paxRecord('SCHILY.xattr.user.%C3%A4%3D', 'x'),
      ),
    ).toEqual({ 'user.\xc3\xa4=': '78' });
  });

  test('of LIBARCHIVE are base64 under a key with %-escapes', () => {
    expect(
      xattrs(
        paxRecord('LIBARCHIVE.xattr.user.a%3Db%25', 'AP8'),
        paxRecord('LIBARCHIVE.xattr.user.c', 'AP8='),
      ),
    ).toEqual({ 'user.a=b%': '00ff', 'user.c': '00ff' });
    expect(() => xattrs(paxRecord('LIBARCHIVE.xattr.user.c', 'A!'))).toThrow(/expected base64/);
  });

  test('an empty value deletes', () => {
    expect(xattrs(paxRecord('SCHILY.xattr.user.a', 'x'), paxRecord('SCHILY.xattr.user.a', ''))).toEqual({});
    expect(xattrs(paxRecord('SCHILY.xattr.user.a', ''))).toEqual({});
  });

  test.each([
    ['', 'x', /an xattr name of 0 bytes/],
    ['n'.repeat(256), 'x', /an xattr name of 256 bytes/],
    ['user.\0', 'x', /none of them NUL/],
    ['user.a', 'x'.repeat(65537), /an xattr of 65537 bytes, expected at most 65536/],
  ])('out of bounds are refused (%#)', (name, value, message) => {
    expect(() => xattrs(paxRecord(`SCHILY.xattr.${name}`, value))).toThrow(message);
  });

  test('are so many at most', () => {
    const records = Array.from({ length: 4097 }, (_, i) => paxRecord(`SCHILY.xattr.user.${i}`, 'x'));
    expect(() => xattrs(...records)).toThrow(/more xattrs, expected at most 4096/);
  });
});

describe('ACLs in text', () => {
  const access = (text: string): string | undefined =>
    xattrs(paxRecord('SCHILY.acl.access', text))['system.posix_acl_access'];

  // u32 version 2; then u16 tag, u16 permissions, u32 id
  const expected = [
    '02000000',
    '0100 0700 ffffffff',
    '0200 0500 f6010000',
    '0400 0500 ffffffff',
    '0800 0700 66000000',
    '1000 0700 ffffffff',
    '2000 0000 ffffffff',
  ]
    .join('')
    .replaceAll(' ', '');

  test('of star, with numbers after the names, become the xattr of the kernel', () => {
    expect(access('user::rwx,user:lisa:r-x:502,group::r-x,group:toolies:rwx:102,mask::rwx,other::---')).toBe(
      expected,
    );
  });

  test('of GNU tar, with numbers for names and newlines between, too; in any order and spelling', () => {
    expect(access('user::rwx\nuser:502:r-x\ngroup::r-x\ngroup:102:rwx\nmask::rwx\nother::---\n')).toBe(
      expected,
    );
    expect(access('o:---, m:rwx, g:102:rwx, g::r-x, u:502:rx, u::rwx #effective:rwx')).toBe(expected);
    expect(access('other::---,mask::rwx,group::r-x,group:102:rwx,user:502:rx,user::rwx')).toBe(expected);
  });

  test('that say no more than the mode are none, a default one counts', () => {
    expect(access('user::rwx,group::r-x,other::---')).toBeUndefined();
    expect(
      xattrs(paxRecord('SCHILY.acl.default', 'user::rwx,group::r-x,other::---'))['system.posix_acl_default'],
    ).toBe('02000000' + '01000700ffffffff' + '04000500ffffffff' + '20000000ffffffff');
  });

  test('that name a user without a number are left out whole', () => {
    expect(access('user::rwx,user:lisa:r-x,group::r-x,mask::rwx,other::---')).toBeUndefined();
    expect(access('user::rwx,user:root:r-x,group::r-x,mask::rwx,other::---')).toContain('0200050000000000');
  });

  test.each(['nonsense', 'user:', 'user::rwz', 'user::rwxr', 'user:4294967295:r', 'every:1:rwx'])(
    '%j is refused',
    (text) => {
      expect(() => access(text)).toThrow(/at byte 53\d: found the ACL entry/);
    },
  );
});
