import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/vfs/input-error.ts';
import type { RawMember } from '../tar/raw-tar.ts';
import { pax, rawTar } from '../tar/raw-tar.ts';
import { inodeAt, indexTar, showFlags, showIndex } from './show-index.ts';

const file = (name: string, body = ''): RawMember => ({ name, body });
const directory = (name: string, mode = 0o755): RawMember => ({ name: `${name}/`, type: '5', mode });
const link = (name: string, linkname: string): RawMember => ({ name, type: '1', linkname });
const symlink = (name: string, linkname: string): RawMember => ({ name, type: '2', linkname });
const lines = (...members: (RawMember | Buffer)[]): string[] => showIndex(indexTar(rawTar(...members)));

describe('whiteouts', () => {
  test('a whiteout hides a lower name and keeps its own name out of sight', () => {
    expect(lines(file('.wh.x'), directory('d'), file('d/.wh.y'))).toEqual(['d d', 'w d/y', 'w x']);
  });

  test.each([
    ['before', [file('.wh.x'), file('x')]],
    ['after', [file('x'), file('.wh.x')]],
  ])('a whiteout %s a sibling of its own name leaves the sibling', (_, members) => {
    expect(lines(...members)).toEqual(['- x']);
  });

  test.each([
    ['before', [file('.wh.x'), directory('x'), file('x/y')]],
    ['after', [directory('x'), file('x/y'), file('.wh.x')]],
  ])('a whiteout %s a new directory of its name makes that opaque', (_, members) => {
    expect(lines(...members)).toEqual(['- x/y', 'd x [opaque]']);
  });

  test('a whiteout makes an implicit directory a new one, opaque and with attributes of its own', () => {
    expect(lines(file('x/y'), file('.wh.x'))).toEqual(['- x/y', 'd x [opaque]']);
    expect(lines(file('.wh.x'), file('x/y'))).toEqual(['- x/y', 'd x [opaque]']);
  });

  test('an opaque marker counts wherever it stands, and hides no entry of its layer', () => {
    expect(lines(directory('d'), file('d/.wh..wh..opq'), file('d/x'))).toEqual(['- d/x', 'd d [opaque]']);
    expect(lines(directory('d'), file('d/x'), file('d/.wh..wh..opq'))).toEqual(['- d/x', 'd d [opaque]']);
    expect(lines(file('d/.wh..wh..opq'), file('d/x'))).toEqual(['- d/x', 'd d [opaque implicit]']);
    expect(showFlags(indexTar(rawTar(file('.wh..wh..opq'))), 0)).toBe(' [opaque implicit]');
  });

  test('AUFS bookkeeping is never shown, nor what lies in it', () => {
    expect(
      lines(
        directory('.wh..wh.plnk'),
        file('.wh..wh.plnk/1234.5678'),
        file('.wh..wh.aufs'),
        directory('.wh..wh.orph'),
        file('d/.wh..wh.foo/x'),
        file('.wh..wh..opq/x'),
      ),
    ).toEqual([]);
  });

  test.each(['.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..'])('the whiteout name %s is refused', (name) => {
    expect(() => lines(file(name))).toThrow(FormatError);
    expect(() => lines(file(name))).toThrow(/the name that it hides/);
  });

  test('an entry beneath a whiteout is refused', () => {
    expect(() => lines(file('.wh.x/y'))).toThrow(/no entry beneath a whiteout/);
  });

  test('of a whiteout only the name counts', () => {
    expect(
      lines(
        { ...file('.wh.a'), mode: 0o104755, uid: 5, linkname: 'bogus' },
        directory('.wh.b'),
        symlink('.wh.c', 'x'),
        link('.wh.d', 'gone'),
      ),
    ).toEqual(['w a', 'w b', 'w c', 'w d']);
  });

  test('a whiteout whose parents are missing leaves them to the lower layers', () => {
    expect(lines(file('a/b/.wh.c'))).toEqual([
      'd a [implicit carrier]',
      'd a/b [implicit carrier]',
      'w a/b/c',
    ]);
    expect(lines(file('a/b/.wh.c'), file('a/x'))).toEqual([
      '- a/x',
      'd a [implicit]',
      'd a/b [implicit carrier]',
      'w a/b/c',
    ]);
    expect(lines(file('a/b/.wh.c'), directory('a/b'))).toEqual(['d a [implicit]', 'd a/b', 'w a/b/c']);
    expect(lines(file('a/b/.wh..wh..opq'))).toEqual([
      'd a [implicit carrier]',
      'd a/b [opaque implicit carrier]',
    ]);
  });

  test.each([file('a'), symlink('a', 'b'), { name: 'a', type: '6' }])(
    'a whiteout whose parent is by now no directory is void (type $type)',
    (member) => {
      const [line] = lines(member);
      expect(lines(directory('b'), member, file('a/.wh.x'), file('a/.wh..wh..opq'))).toEqual(
        [line, 'd b'].sort(),
      );
    },
  );

  test('a whiteout beneath a whiteout is void, and one of its carrier swallows it', () => {
    expect(lines(file('.wh.a'), file('a/.wh.x'))).toEqual(['w a']);
    expect(lines(file('a/.wh.x'), file('.wh.a'))).toEqual(['w a']);
    expect(lines(file('a/.wh.x'), file('.wh.a'), file('a/y'))).toEqual(['- a/y', 'd a [opaque]']);
  });

  test('nothing lower shines into an opaque directory: whiteouts in it leave no ghosts', () => {
    expect(
      lines(
        directory('d'),
        file('d/.wh.x'),
        file('d/.wh..wh..opq'),
        directory('d/e'),
        file('d/e/.wh.y'),
        file('d/f/.wh.z'),
      ),
    ).toEqual(['d d [opaque]', 'd d/e']);
  });

  test('a whiteout may hide a name of 255 bytes, and no longer one', () => {
    const name = 'n'.repeat(255);
    expect(lines(pax({ path: `.wh.${name}` }), file('x'))).toEqual([`w ${name}`]);
    expect(() => lines(pax({ path: `.wh.${name}n` }), file('x'))).toThrow(/256 bytes.*ENAMETOOLONG/);
  });
});

describe('directories', () => {
  test('missing parents are root 0755 and implicit, an entry for one later gives its attributes', () => {
    const implicit = indexTar(rawTar(file('a/b/c')));
    expect(showIndex(implicit)).toEqual(['- a/b/c', 'd a [implicit]', 'd a/b [implicit]']);
    expect(implicit.mode[inodeAt(implicit, 'a/b')]).toBe(0o40755);
    const index = indexTar(rawTar(file('a/b'), { ...directory('a', 0o700), uid: 7, mtime: 9 }));
    expect(showIndex(index)).toEqual(['- a/b', 'd a']);
    const inode = inodeAt(index, 'a');
    expect([index.mode[inode], index.uid[inode], index.mtimeSec[inode]]).toEqual([0o40700, 7, 9]);
  });

  test('a directory over a directory changes attributes only', () => {
    const index = indexTar(
      rawTar(pax({ 'SCHILY.xattr.user.a': '1' }), directory('d'), file('d/x'), directory('d', 0o1777)),
    );
    expect(showIndex(index)).toEqual(['- d/x', 'd d']);
    expect(index.mode[inodeAt(index, 'd')]).toBe(0o41777);
    expect(index.xattr[inodeAt(index, 'd')]).toBe(0);
  });

  test.each(['/', '.', './', './/.', ''])("'%s' is the root, implicit without it", (name) => {
    const index = indexTar(rawTar({ name, type: '5', mode: 0o1750, uid: 3 }, file('x')));
    expect([index.mode[0], index.uid[0], showFlags(index, 0)]).toEqual([0o41750, 3, '']);
    expect(showFlags(indexTar(rawTar(file('x'))), 0)).toBe(' [implicit]');
  });

  test('a root that is not a directory is refused', () => {
    expect(() => lines(symlink('.', 'x'))).toThrow(/a root that is not a directory/);
    expect(() => lines(link('./', 'x'))).toThrow(/a root that is not a directory/);
  });

  test('an empty layer is an implicit root', () => {
    const index = indexTar(Buffer.alloc(1024));
    expect([index.dentryCount, index.inodeCount, showFlags(index, 0)]).toEqual([1, 1, ' [implicit]']);
  });
});

describe('duplicates', () => {
  test('the last of two entries wins', () => {
    const index = indexTar(rawTar(file('x', 'one'), file('y'), file('x', 'three')));
    expect(showIndex(index)).toEqual(['- x', '- y']);
    expect(index.size[inodeAt(index, 'x')]).toBe(5);
    expect(index.inodeCount).toBe(3);
  });

  test('a hard link made to the earlier of two entries keeps its bytes', () => {
    const index = indexTar(rawTar(file('x', 'one'), link('y', 'x'), file('x', 'three')));
    expect(showIndex(index)).toEqual(['- x', '- y']);
    expect(index.size[inodeAt(index, 'y')]).toBe(3);
    expect(index.size[inodeAt(index, 'x')]).toBe(5);
  });

  test('a file over a directory hides what was in it, for good', () => {
    expect(lines(directory('d'), file('d/x'), file('d'))).toEqual(['- d']);
    expect(lines(directory('d'), file('d/x'), file('d'), directory('d'))).toEqual(['d d [opaque]']);
    expect(lines(file('d/x'), link('y', 'd/x'), file('d'))).toEqual(['- d', '- y']);
  });

  test('a sibling of what was hidden with its directory makes the directory anew', () => {
    expect(lines(file('d/x'), file('d'), file('d/y'))).toEqual(['- d/y', 'd d [opaque]']);
  });

  test.each([file('a'), symlink('a', '/etc'), file('.wh.a'), link('a', 'lower')])(
    'an entry under $name, of type $type and not a directory, replaces it',
    (member) => {
      expect(lines(member, file('a/x'))).toEqual(['- a/x', 'd a [opaque]']);
    },
  );
});

describe('hard links', () => {
  test('link to earlier and later entries, in chains', () => {
    expect(lines(file('a'), link('b', 'a'), link('d/c', '/./b'))).toEqual([
      '- a =1',
      '- b =1',
      '- d/c =1',
      'd d [implicit]',
    ]);
    expect(lines(link('c', 'b'), link('b', 'a'), file('a'))).toEqual(['- a =1', '- b =1', '- c =1']);
    expect(lines(link('b', 'a'), link('c', 'b'), file('a'))).toEqual(['- a =1', '- b =1', '- c =1']);
  });

  test('link to names that only lower layers can have', () => {
    expect(lines(link('b', '/usr/bin/a'), link('c', 'b'))).toEqual(['h b => usr/bin/a', 'h c => usr/bin/a']);
    expect(lines(file('.wh.a'), link('b', 'a'))).toEqual(['h b => a', 'w a']);
  });

  test('to itself is the earlier entry, or the lower name', () => {
    expect(lines(file('a'), link('a', 'a'))).toEqual(['- a']);
    expect(lines(link('a', 'a'))).toEqual(['h a => a']);
  });

  test('in a circle end at a lower name', () => {
    expect(lines(link('a', 'b'), link('b', 'c'), link('c', 'a'))).toEqual([
      'h a => c',
      'h b => c',
      'h c => c',
    ]);
  });

  test('to symlinks, fifos and devices join those', () => {
    expect(
      lines(symlink('s', 'x'), link('t', 's'), { name: 'p', type: '6' }, link('q', 'p'), link('r', 'q')),
    ).toEqual(['l s -> x =2', 'l t -> x =2', 'p p =1', 'p q =1', 'p r =1']);
  });

  test('to a directory are refused, earlier or later', () => {
    expect(() => lines(directory('d'), link('e', 'd'))).toThrow(/hard link to the directory 'd'/);
    expect(() => lines(link('e', 'd'), directory('d'))).toThrow(
      /at byte 0: found a hard link to the directory 'd'/,
    );
    expect(() => lines(link('e', '.'))).toThrow(/hard link to the directory/);
  });

  test('carry no size of their own', () => {
    const index = indexTar(rawTar(file('a', 'abc'), { ...link('b', 'a'), size: 3 }));
    expect(showIndex(index)).toEqual(['- a =1', '- b =1']);
    expect(index.size[inodeAt(index, 'b')]).toBe(3);
  });
});

describe('names', () => {
  test('are raw bytes, sorted as such', () => {
    expect(
      lines(
        { name: Buffer.from([0xff, 0x0a]) },
        { name: Buffer.from([0x41, 0x80]) },
        file('\u00e9'),
        file('A'),
      ),
    ).toEqual(['- A', '- A\x80', '- \xc3\xa9', '- \xff\n']);
  });

  test('have at most 255 bytes each and 4,095 in all', () => {
    const name = 'n'.repeat(255);
    expect(lines(pax({ path: name }), file('x'))).toEqual([`- ${name}`]);
    expect(() => lines(pax({ path: `${name}n/x` }), file('x'))).toThrow(/a name of 256 bytes.*ENAMETOOLONG/);
    expect(() => lines(pax({ path: `a/${name}n` }), file('x'))).toThrow(/a name of 256 bytes.*ENAMETOOLONG/);
    expect(lines(pax({ path: `${'d/'.repeat(2047)}x` }), file('x'))).toHaveLength(2048);
    expect(() => lines(pax({ path: `${'d/'.repeat(2047)}xx` }), file('x'))).toThrow(/ENAMETOOLONG/);
  });

  test('with dots, doubled and trailing slashes are one name', () => {
    expect(lines(file('/a//./b'), file('./a/b'), directory('a/'), file('a/b'))).toEqual(['- a/b', 'd a']);
  });

  test.each(['../x', 'a/../b', '/..', 'a/..'])('the path %s is refused', (name) => {
    expect(() => lines(file(name))).toThrow(/found a '..' component/);
    expect(() => lines(file('ok'), link('x', name))).toThrow(FormatError);
  });
});

test('a 0:0 device in a tar is a device, and overlay xattrs are data', () => {
  const index = indexTar(
    rawTar(
      { name: 'dev', type: '3', mode: 0 },
      pax({ 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.overlay.whiteout': 'y' }),
      directory('d'),
    ),
  );
  expect(showIndex(index)).toEqual(['c dev', 'd d']);
  expect(index.xattr[inodeAt(index, 'd')]).not.toBe(0);
});

test('equal xattrs of many files are kept once', () => {
  const one = indexTar(rawTar(pax({ 'SCHILY.xattr.user.a': 'v' }, 'g'), file('a')));
  const many = indexTar(rawTar(pax({ 'SCHILY.xattr.user.a': 'v' }, 'g'), file('a'), file('b'), file('c')));
  expect(many.xattrs.length).toBe(one.xattrs.length);
});

test('more entries than the bound are refused by the offset of the first too many', () => {
  const members = Array.from({ length: 300 }, (_, i) => file(`f${i}`));
  expect(() => indexTar(rawTar(...members), 256)).toThrow(
    /test.tar: at byte 130560: found more than 256 entries/,
  );
});

test.each([
  ['files', file('f'), 'entries'],
  ['symlinks', symlink('s', 'x'), 'entries'],
  ['links', link('l', 'lower'), 'hard links'],
])('a name that is replaced again and again, by %s, is bounded likewise', (_, member, what) => {
  expect(() => indexTar(rawTar(...new Array<RawMember>(300).fill(member)), 256)).toThrow(
    `found more than 256 ${what}`,
  );
});
