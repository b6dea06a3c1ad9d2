import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/vfs/input-error.ts';
import { readMember, readMembers } from './read-members.ts';
import { pax, rawMember, rawTar } from './raw-tar.ts';

const long = (type: 'L' | 'K', value: string | Buffer): Buffer =>
  rawMember({
    name: '././@LongLink',
    type,
    magic: 'gnu',
    body: Buffer.concat([Buffer.from(value as string), Buffer.alloc(1)]),
  });

describe('names', () => {
  test('of v7 have 100 bytes, no prefix, and a slash after directories', () => {
    const name = 'n'.repeat(100);
    expect(readMember(rawTar({ name, magic: 'v7', type: '\0', prefix: 'not/a/prefix' })).path).toBe(name);
    const directory = readMember(rawTar({ name: 'd/', magic: 'v7', type: '\0' }));
    expect([directory.path, directory.mode]).toEqual(['d', 0o40644]);
  });

  test('of ustar have a prefix of up to 155 bytes', () => {
    const prefix = 'p'.repeat(155);
    const name = 'n'.repeat(100);
    expect(readMember(rawTar({ name, prefix })).path).toBe(`${prefix}/${name}`);
    expect(readMember(rawTar({ name: 'x/', prefix: '/a/', type: '5' })).path).toBe('a/x');
  });

  test('of GNU have times where ustar has the prefix', () => {
    const member = readMember(
      rawTar({ name: 'x', magic: 'gnu', mtime: 5, patch: (block) => block.write('00000000007\0', 345) }),
    );
    expect([member.path, member.atimeSec, member.mtimeSec]).toEqual(['x', 7, 5]);
  });

  const oldGo = (prefix: string | Buffer, name = 'foo'): Buffer =>
    rawTar({
      ...{ name, prefix, magic: 'gnu', mtime: 5 },
      patch: (block) => block.set(Buffer.from('8000000000200000', 'hex'), 108),
    });

  test('of Go before 1.8 may have a ustar prefix in a GNU header, where its times would be', () => {
    const prefix = 'a'.repeat(97);
    const { path, uid, atimeSec } = readMember(oldGo(prefix));
    expect([path, uid, atimeSec]).toEqual([`${prefix}/foo`, 2097152, 5]);
    expect(readMember(oldGo('000000000000x')).path).toBe('000000000000x/foo');
    expect(readMember(oldGo('d', 'sub/')).path).toBe('d/sub');
  });

  test('of GNU have no prefix if it is a number, or not ASCII, as Go reads them', () => {
    expect(readMember(oldGo('0000123')).path).toBe('foo');
    expect(readMember(oldGo(Buffer.from('d\u00e4'))).path).toBe('foo');
  });

  test('of star have a prefix of 131 bytes, followed by times', () => {
    const member = readMember(
      rawTar({
        name: 'x',
        prefix: 'p'.repeat(131),
        patch: (block) => {
          block.write('00000000007\0', 476);
          block.write('tar\0', 508);
        },
      }),
    );
    expect([member.path, member.atimeSec]).toEqual([`${'p'.repeat(131)}/x`, 7]);
  });

  test('of GNU L and K may be long, and hold for one member', () => {
    const name = 'd/'.repeat(200) + 'x';
    const target = 't'.repeat(300);
    const [one, two] = readMembers(
      rawTar(
        long('K', target),
        long('L', name),
        { name: 'cut', type: '2', linkname: 'cut', magic: 'gnu' },
        { name: 'y', type: '2', linkname: 'z', magic: 'gnu' },
      ),
    );
    expect([one?.path, one?.link]).toEqual([name, target]);
    expect([two?.path, two?.link]).toEqual(['y', 'z']);
  });

  test('of pax are raw bytes, override, and hold for one member', () => {
    const [one, two] = readMembers(
      rawTar(
        pax({ path: Buffer.from([0x61, 0xff, 0x0a]), linkpath: Buffer.from([0xfe]) }),
        { name: 'cut', type: '2', linkname: 'cut', prefix: 'p' },
        { name: 'y', type: '2', linkname: 'z' },
      ),
    );
    expect([one?.path, one?.link]).toEqual(['a\xff\n', '\xfe']);
    expect([two?.path, two?.link]).toEqual(['y', 'z']);
  });

  test('with a NUL from pax are refused', () => {
    expect(() => readMember(rawTar(pax({ path: 'a\0b' }), { name: 'x' }))).toThrow(/found a NUL byte/);
    expect(() => readMember(rawTar(pax({ linkpath: 'a\0b' }), { name: 'x', type: '2' }))).toThrow(
      /NUL among them/,
    );
  });

  test('of GNU win over those of pax, as in Go', () => {
    expect(readMember(rawTar(pax({ path: 'pax' }), long('L', 'gnu'), { name: 'x' })).path).toBe('gnu');
  });
});

describe('attributes', () => {
  test('keep the permission bits of a mode only', () => {
    expect(readMember(rawTar({ name: 'x', mode: 0o140777 })).mode).toBe(0o100777);
    expect(readMember(rawTar({ name: 'x', type: '5', mode: 0o107755 })).mode).toBe(0o47755);
  });

  test('may be base-256: owners of 32 bits, times before 1970 and far ahead', () => {
    const member = readMember(
      rawTar({
        name: 'x',
        magic: 'gnu',
        patch: (block) => {
          block.set(Buffer.from('80000000ffffffff', 'hex'), 108);
          block.set(Buffer.from('8000000000200000', 'hex'), 116);
          block.set(Buffer.from('fffffffffffffffffffffffe', 'hex'), 136);
        },
      }),
    );
    expect([member.uid, member.gid, member.mtimeSec, member.mtimeNsec]).toEqual([0xffffffff, 2097152, -2, 0]);
  });

  test('an owner beyond 32 bits is refused by name', () => {
    const patch = (block: Buffer): void => {
      block.set(Buffer.from('8000000100000000', 'hex'), 108);
    };
    expect(() => readMember(rawTar({ name: 'x', patch }))).toThrow(
      /at byte 108: found the uid 4294967296, expected a uid of 32 bits/,
    );
    const negative = (block: Buffer): void => {
      block.set(Buffer.from('ffffffffffffffff', 'hex'), 116);
    };
    expect(() => readMember(rawTar({ name: 'x', patch: negative }))).toThrow(/found the gid -1/);
  });

  test('a missing atime is the mtime', () => {
    const member = readMember(rawTar(pax({ mtime: '-1.5' }), { name: 'x', mtime: 3 }));
    expect([member.mtimeSec, member.mtimeNsec]).toEqual([-2, 500_000_000]);
    expect([member.atimeSec, member.atimeNsec]).toEqual([-2, 500_000_000]);
    const both = readMember(rawTar(pax({ atime: '4.25' }), { name: 'x', mtime: 3 }));
    expect([both.mtimeSec, both.atimeSec, both.atimeNsec]).toEqual([3, 4, 250_000_000]);
  });

  test('of devices are numbers, in the form of the kernel', () => {
    const [chr, blk, fifo] = readMembers(
      rawTar(
        { name: 'c', type: '3', major: 5, minor: 1 },
        { name: 'b', type: '4', major: 0xfff, minor: 0xfffff },
        { name: 'p', type: '6', major: 9 },
      ),
    );
    expect([chr?.mode, chr?.rdev]).toEqual([0o20644, 0x501]);
    expect([blk?.mode, blk?.rdev]).toEqual([0o60644, 0xffffffff]);
    expect([fifo?.mode, fifo?.rdev]).toEqual([0o10644, 0]);
    expect(() => readMember(rawTar({ name: 'c', type: '3', major: 0x1000 }))).toThrow(
      /at byte 329: found the device 4096:0/,
    );
  });

  test('in device fields are ignored for anything but a device', () => {
    const patch = (block: Buffer): number => block.write('garbage!', 329);
    expect(readMember(rawTar({ name: 'x', patch })).rdev).toBe(0);
  });
});

describe('global pax headers', () => {
  test('hold for all that follow, add up, and are overridden by a member', () => {
    const members = readMembers(
      rawTar(
        { name: 'before' },
        pax({ uid: '7', mtime: '1.5', 'SCHILY.xattr.user.a': 'g' }, 'g'),
        { name: 'a' },
        pax({ uid: '8', 'SCHILY.xattr.user.b': 'x', mtime: '' }),
        { name: 'b', mtime: 3 },
        { name: 'c' },
        pax({ gid: '9', uid: '' }, 'g'),
        pax({ 'SCHILY.xattr.user.a': '' }),
        { name: 'd' },
        { name: 'e' },
      ),
    );
    expect(
      members.map((member) => [
        member.path,
        member.uid,
        member.gid,
        member.mtimeSec,
        Object.keys(member.xattrs).join(),
      ]),
    ).toEqual([
      ['before', 0, 0, 0, ''],
      ['a', 7, 0, 1, 'user.a'],
      ['b', 8, 0, 3, 'user.a,user.b'],
      ['c', 7, 0, 1, 'user.a'],
      ['d', 0, 9, 1, ''],
      ['e', 0, 9, 1, 'user.a'],
    ]);
  });
});

describe('types', () => {
  test.each([
    ['\0', 0o100644],
    ['0', 0o100644],
    ['7', 0o100644],
    ['8', 0o100644],
    ['a', 0o100644],
    ['2', 0o120777],
    ['3', 0o20644],
    ['4', 0o60644],
    ['5', 0o40644],
    ['6', 0o10644],
    ['D', 0o40644],
  ])('%j', (type, mode) => {
    expect(readMember(rawTar({ name: 'x', type, linkname: 'l' })).mode).toBe(mode);
  });

  test('V, a label, is skipped', () => {
    expect(readMember(rawTar({ name: 'label', type: 'V' }, { name: 'x' })).path).toBe('x');
  });

  test.each(['A', 'M', 'N', 'Z'])('%s, a vendor type, is refused by name', (type) => {
    expect(() => readMember(rawTar({ name: 'x', type }))).toThrow(
      new RegExp(`at byte 156: found a member of type '${type}'`),
    );
  });

  test('a hard link has the canonical path of its target, a symlink its target as it stands', () => {
    expect(readMember(rawTar({ name: 'x', type: '1', linkname: './/a/./b/' }))).toMatchObject({
      isHardLink: true,
      link: 'a/b',
    });
    expect(readMember(rawTar({ name: 'x', type: '2', linkname: './/a/../b/' }))).toMatchObject({
      isHardLink: false,
      link: './/a/../b/',
    });
  });

  test('a symlink to nothing or past PATH_MAX is refused', () => {
    expect(() => readMember(rawTar({ name: 'x', type: '2' }))).toThrow(/a symlink target of 0 bytes/);
    const tar = rawTar(pax({ linkpath: 'x'.repeat(4096) }), { name: 'x', type: '2' });
    expect(() => readMember(tar)).toThrow(/a symlink target of 4096 bytes/);
  });
});

describe('sparse files', () => {
  const pair = (offset: number, length: number): string =>
    `${offset.toString(8).padStart(11, '0')}\0${length.toString(8).padStart(11, '0')}\0`;

  test('of old GNU have their map in the header, and in extension blocks', () => {
    const pairs = Array.from({ length: 30 }, (_, i) => pair(i * 1000, 10));
    const extension = Buffer.alloc(1024);
    extension.write(pairs.slice(4, 25).join(''), 0, 'latin1');
    extension[504] = 1;
    extension.write(pairs.slice(25).join(''), 512, 'latin1');
    const header = rawMember({
      name: 's',
      type: 'S',
      magic: 'gnu',
      size: 300,
      patch: (block) => {
        block.write(pairs.slice(0, 4).join(''), 386, 'latin1');
        block[482] = 1;
        block.write('00000100000\0', 483);
      },
    });
    const member = readMember(rawTar(header, extension, Buffer.alloc(512)));
    expect(member.sparse).toEqual(Array.from({ length: 30 }, (_, i) => [i * 1000, 10]).flat());
    expect(member).toMatchObject({ size: 0o100000, dataOffset: 1536, dataLength: 300, mode: 0o100644 });
  });

  test('of old GNU without the extension that the flag promises are refused', () => {
    const patch = (block: Buffer): void => {
      block.write(pair(0, 1) + pair(2, 1) + pair(4, 1) + pair(6, 1), 386, 'latin1');
      block[482] = 1;
    };
    expect(() => readMember(rawMember({ name: 's', type: 'S', size: 0, patch }))).toThrow(
      /found no further extension block/,
    );
  });

  test('of old GNU with a negative size, or one that is none, are refused', () => {
    const sized = (bytes: string): Buffer =>
      rawMember({ name: 's', type: 'S', size: 0, patch: (block) => block.write(bytes, 483, 'latin1') });
    expect(() => readMember(sized('\xff'.repeat(12)))).toThrow(
      /at byte 483: found the size -1, expected a size/,
    );
    expect(() => readMember(sized('\xff' + '\0'.repeat(11)))).toThrow(/at byte 483: .* past 2\^53/);
    expect(() => readMember(sized('\x80' + '\xff'.repeat(11)))).toThrow(/at byte 483: .* past 2\^53/);
    expect(() => readMember(sized('-1\0'))).toThrow(/at byte 483: found '-1/);
  });

  test('of pax 0.0 have their map in records, of 0.1 in one', () => {
    const body = 'abcdef';
    const zero = readMember(
      rawTar(
        pax([
          ['GNU.sparse.size', '100'],
          ['GNU.sparse.numblocks', '2'],
          ['GNU.sparse.offset', '10'],
          ['GNU.sparse.numbytes', '2'],
          ['GNU.sparse.offset', '50'],
          ['GNU.sparse.numbytes', '4'],
        ]),
        { name: 's', body },
      ),
    );
    expect(zero).toMatchObject({ path: 's', size: 100, sparse: [10, 2, 50, 4], dataLength: 6 });
    const one = readMember(
      rawTar(
        pax({
          'GNU.sparse.major': '0',
          'GNU.sparse.minor': '1',
          'GNU.sparse.name': 'real',
          'GNU.sparse.size': '100',
          'GNU.sparse.numblocks': '2',
          'GNU.sparse.map': '10,2,50,4',
          path: 'GNUSparseFile.1/s',
        }),
        { name: 's', body },
      ),
    );
    expect(one).toMatchObject({ path: 'real', size: 100, sparse: [10, 2, 50, 4] });
  });

  test('of pax 1.0 have their map in their data', () => {
    const member = readMember(
      rawTar(
        pax({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'real',
          'GNU.sparse.realsize': '100',
        }),
        { name: 's', body: Buffer.alloc(1024) },
      ),
    );
    expect(member).toMatchObject({ path: 'real', size: 100, hasDataMap: true, sparse: undefined });
  });

  test.each([
    ['out of order', '50,4,10,2', /a sparse piece of 2 bytes at 10/],
    ['overlapping', '10,4,12,2', /a sparse piece of 2 bytes at 12/],
    ['past the size', '99,2', /a sparse piece of 2 bytes at 99/],
    ['of more than is stored', '0,60', /a sparse map of 60 bytes, expected at most 6/],
    ['odd', '0,1,2', /an odd sparse map/],
    ['no numbers', '0,x', /found 'x', expected a sparse number/],
    ['past 2^53', '0,9007199254740993', /a sparse number/],
  ])('whose map is %s are refused', (_, map, message) => {
    const tar = rawTar(pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': map }), {
      name: 's',
      body: 'abcdef',
    });
    expect(() => readMember(tar)).toThrow(FormatError);
    expect(() => readMember(tar)).toThrow(message);
  });

  test('of a version nobody wrote are refused', () => {
    const records = { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0', 'GNU.sparse.size': '1' };
    expect(() => readMember(rawTar(pax(records), { name: 's' }))).toThrow(/found GNU sparse 2.0/);
  });
});
