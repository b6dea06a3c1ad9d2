// The right values come from stat(1), getfattr(1) and cmp(1).
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as upper from '../../src/sys/upper-calls.ts';
import {
  KEEP_MODE,
  MORE_FOLLOWS,
  type NewXattr,
  OwnerTolerance,
  Sync,
  fillLater,
  linkKeepingTimes,
  makeNewDirectory,
  packMetadata,
  renameKeepingTimes,
  setNewMetadata,
} from '../../src/sys/upper-fill.ts';
import { EBADF, EEXIST, EINVAL, EIO, ENOENT, EOPNOTSUPP } from '../../src/vfs/errno.ts';
import { bytes, EMPTY, O_PATH, UpperDirectory } from './upper-directory.ts';

const { O_RDONLY, O_RDWR } = fs.constants;
const NO_RANGES = new Float64Array(0);
const SAME_OWNER = { uid: upper.KEEP_ID, gid: upper.KEEP_ID, tolerance: OwnerTolerance.NONE };
const TIMES = { atimeSec: 1_000_000, atimeNsec: 5, mtimeSec: -3, mtimeNsec: 999_999_999 };
const plain = packMetadata(SAME_OWNER, [], 0o640, TIMES);

let u: UpperDirectory;
beforeEach(() => {
  u = new UpperDirectory();
});
afterEach(() => u.close());

/** A descriptor that is closed at the test's end. */
const open = (fd: number): number => u.keep(fd);

const create = (name: string): number => open(upper.createAt(u.dir, bytes(name), O_RDWR, 0o600, 0));

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'latin1' });
  expect(`${status} ${stderr}`).toBe('0 ');
  return stdout;
}

/** A file of `size` bytes that don't repeat within a page, and a descriptor of it. */
function source(size: number): { path: string; content: Buffer; fd: number } {
  const content = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) content.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
  const path = join(u.root, 'source');
  fs.writeFileSync(path, content);
  return { path, content, fd: open(fs.openSync(path, O_RDONLY)) };
}

const fill = (
  fd: number,
  ranges: Float64Array,
  content: Uint8Array,
  offset: number,
  size: number,
  sync: number = Sync.NONE,
): Promise<number> => fillLater(fd, ranges, content, offset, size, sync, plain.numbers, plain.xattrs);

describe('fillLater', () => {
  test.each([0, 1, 512, 4096])('copies 20 MB that begin at byte %d of a file', async (position) => {
    const { content, fd } = source(20_000_000);
    const to = create('f');
    const length = content.length - position;
    expect(await fill(to, Float64Array.of(fd, position, 0, length), EMPTY, 0, length, Sync.FINISH)).toBe(0);
    expect(run('stat', '-c', '%a %.9X %.9Y', u.path('f'))).toBe('640 1000000.000000005 -2.000000001\n');
    expect(fs.readFileSync(u.path('f')).equals(content.subarray(position))).toBe(true);
  });

  test('leaves holes between ranges and up to the size', async () => {
    const { content, fd } = source(8192);
    const to = create('f');
    const ranges = Float64Array.of(fd, 4096, 0, 4096, fd, 0, 1_048_576, 4096);
    expect(await fill(to, ranges, EMPTY, 0, 3_000_000)).toBe(0);
    const expected = Buffer.alloc(3_000_000);
    expected.set(content.subarray(4096), 0);
    expected.set(content.subarray(0, 4096), 1_048_576);
    expect(fs.readFileSync(u.path('f')).equals(expected)).toBe(true);
    expect(u.stat('f').blocks * 512).toBeLessThan(1_048_576);
  });

  test('gives the file its size and metadata only in the last call', async () => {
    const to = create('f');
    expect(await fill(to, NO_RANGES, bytes('abc'), 0, MORE_FOLLOWS, Sync.START)).toBe(0);
    expect([u.mode('f'), u.stat('f').size]).toEqual([0o600, 3]);
    expect(await fill(to, NO_RANGES, bytes('def'), 3, 10, Sync.FINISH)).toBe(0);
    expect([u.mode('f'), fs.readFileSync(u.path('f'), 'latin1')]).toEqual([0o640, 'abcdef\0\0\0\0']);
    expect(u.stat('f').mtimeSec).toBe(-3);
  });

  test('shortens a file that is longer than its size', async () => {
    fs.writeFileSync(u.path('f'), 'a longer text');
    const to = open(upper.openAt(u.dir, bytes('f'), O_RDWR));
    expect(await fill(to, NO_RANGES, EMPTY, 0, 8)).toBe(0);
    expect(fs.readFileSync(u.path('f'), 'latin1')).toBe('a longer');
  });

  test('fails with EIO if a range ends early, and with the errno of a write or a read', async () => {
    const { fd } = source(100);
    const to = create('f');
    expect(await fill(to, Float64Array.of(fd, 50, 0, 51), EMPTY, 0, 51)).toBe(-EIO);
    const full = open(fs.openSync('/dev/full', O_RDWR));
    expect(await fill(full, Float64Array.of(fd, 0, 0, 100), EMPTY, 0, 100)).toBe(-28);
    expect(await fill(full, NO_RANGES, bytes('x'), 0, MORE_FOLLOWS)).toBe(-28);
    expect(await fill(to, Float64Array.of(u.dir, 0, 0, 100), EMPTY, 0, 100)).toBe(-EBADF);
  });

  test('refuses ranges that are not groups of four', async () => {
    expect(await fill(create('f'), Float64Array.of(0, 0, 0), EMPTY, 0, 1)).toBe(-EINVAL);
  });
});

describe('makeNewDirectory', () => {
  const make = (name: string, xattrs: readonly NewXattr[]): number => {
    const { numbers, xattrs: packed } = packMetadata(SAME_OWNER, xattrs, 0o1750, TIMES);
    return makeNewDirectory(u.dir, bytes(name), numbers, packed);
  };

  test('makes a directory with its metadata, whatever the umask, and returns its inode number', () => {
    const before = process.umask(0o777);
    let after: number;
    try {
      const ino = make('d', [{ name: bytes('user.a'), value: bytes('x'), mayBeLost: false }]);
      const format = '%i %F %a %.9X %.9Y';
      const shown = `${ino} directory 1750 1000000.000000005 -2.000000001\n`;
      expect(run('stat', '-c', format, u.path('d'))).toBe(shown);
    } finally {
      after = process.umask(before);
    }
    expect(after).toBe(0o777);
    expect(upper.getxattrAt(u.dir, bytes('d'), bytes('user.a'))).toEqual(bytes('x'));
  });

  test('leaves nothing if an xattr cannot be set', () => {
    expect(make('d', [{ name: bytes('no.such'), value: bytes('x'), mayBeLost: false }])).toBe(-EOPNOTSUPP);
    expect(fs.existsSync(u.path('d'))).toBe(false);
  });

  test('does not touch what has the name', () => {
    fs.symlinkSync(u.outside, u.path('s'));
    const before = u.outsideState();
    expect(make('s', [])).toBe(-EEXIST);
    expect(fs.readlinkSync(u.path('s'))).toBe(u.outside);
    expect(u.outsideState()).toEqual(before);
  });
});

describe('setNewMetadata', () => {
  const set = (name: string, xattrs: readonly NewXattr[], mode = 0o644, owner = SAME_OWNER): number => {
    const { numbers, xattrs: packed } = packMetadata(owner, xattrs, mode, TIMES);
    return setNewMetadata(u.dir, bytes(name), numbers, packed);
  };
  const xattr = (name: string, value: string, mayBeLost = false): NewXattr => ({
    ...{ name: bytes(name), value: bytes(value), mayBeLost },
  });

  test('sets xattrs with any bytes, then the mode', () => {
    create('f');
    expect(set('f', [xattr('user.a', ''), xattr('user.b=\xff', 'x\0y')], 0o4444)).toBe(0);
    expect(u.mode('f')).toBe(0o4444);
    const shown = run('getfattr', '-d', '-e', 'hex', '--absolute-names', u.path('f'));
    expect(shown.split('\n').slice(1, 3)).toEqual(['user.a=0x', 'user.b\\075\xff=0x780079']);
  });

  test('ignores that an xattr is not supported only if it may be lost', () => {
    create('f');
    expect(set('f', [xattr('no.such', 'x', true), xattr('user.a', 'y')])).toBe(0);
    expect(upper.getxattrAt(u.dir, bytes('f'), bytes('user.a'))).toEqual(bytes('y'));
    expect(set('f', [xattr('no.such', 'x')])).toBe(-EOPNOTSUPP);
  });

  test('works on directories and on symlinks, whose mode stays', () => {
    fs.mkdirSync(u.path('d'));
    fs.symlinkSync(u.outside, u.path('s'));
    const before = u.outsideState();
    expect(set('d', [xattr('user.a', 'x')], 0o1700)).toBe(0);
    expect(set('s', [], KEEP_MODE)).toBe(0);
    expect(run('stat', '-c', '%a %.9X %.9Y', u.path('d'))).toBe('1700 1000000.000000005 -2.000000001\n');
    expect(run('stat', '-c', '%.9X %.9Y', u.path('s'))).toBe('1000000.000000005 -2.000000001\n');
    expect(u.outsideState()).toEqual(before);
  });

  test.runIf(process.geteuid?.() === 0)('sets the owner before set-ID bits and capabilities', () => {
    create('f');
    const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const caps = { name: bytes('security.capability'), value, mayBeLost: false };
    expect(set('f', [caps], 0o6755, { uid: 12, gid: 34, tolerance: OwnerTolerance.NONE })).toBe(0);
    expect(run('stat', '-c', '%u %g %a', u.path('f'))).toBe('12 34 6755\n');
    expect(upper.getxattrAt(u.dir, bytes('f'), bytes('security.capability'))).toEqual(value);
  });

  test('refuses xattrs that are cut off at any byte', () => {
    create('f');
    const { numbers, xattrs } = packMetadata(SAME_OWNER, [xattr('user.abc', 'value')], 0o600, TIMES);
    for (let length = 1; length < xattrs.length; length++) {
      expect(setNewMetadata(u.dir, bytes('f'), numbers, xattrs.subarray(0, length))).toBe(-EINVAL);
    }
    const unterminated = Buffer.from(xattrs);
    unterminated[8 + 'user.abc'.length] = 1;
    expect(setNewMetadata(u.dir, bytes('f'), numbers, unterminated)).toBe(-EINVAL);
  });

  test('reports a missing file', () => {
    expect(set('missing', [])).toBe(-ENOENT);
  });
});

describe('names that keep the times of their directory', () => {
  const timesOf = (path: string): string => run('stat', '-c', '%x %y', path);
  let directory: string;
  let dir: number;
  beforeEach(() => {
    directory = u.path('d');
    fs.mkdirSync(directory);
    fs.utimesSync(directory, 1000, 2000);
    dir = open(upper.openAt(u.dir, bytes('d'), O_PATH));
  });

  test('are links of a file without a name, and of a name', () => {
    const before = timesOf(directory);
    const fd = create('f');
    expect(linkKeepingTimes(fd, EMPTY, dir, bytes('a'))).toBe(0);
    expect(linkKeepingTimes(u.dir, bytes('f'), dir, bytes('b'))).toBe(0);
    expect(timesOf(directory)).toBe(before);
    expect(fs.statSync(u.path('f')).nlink).toBe(3);
    expect(linkKeepingTimes(fd, EMPTY, dir, bytes('a'))).toBe(-EEXIST);
  });

  test('are renamed files and directories', () => {
    const before = timesOf(directory);
    create('f');
    fs.mkdirSync(u.path('e'));
    expect(renameKeepingTimes(u.dir, bytes('f'), dir, bytes('a'))).toBe(0);
    expect(renameKeepingTimes(u.dir, bytes('e'), dir, bytes('b'))).toBe(0);
    expect(timesOf(directory)).toBe(before);
    expect(fs.readdirSync(directory).sort()).toEqual(['a', 'b']);
    expect(renameKeepingTimes(u.dir, bytes('f'), dir, bytes('c'))).toBe(-ENOENT);
  });

  test('never lead out of the directory', () => {
    create('f');
    for (const name of ['', '..', '../x', 'a/b']) {
      expect(linkKeepingTimes(u.dir, bytes('f'), dir, bytes(name))).toBe(-EINVAL);
      expect(renameKeepingTimes(u.dir, bytes('f'), dir, bytes(name))).toBe(-EINVAL);
    }
    expect(fs.readdirSync(u.root).sort()).toEqual(['other', 'outside', 'upper']);
  });
});
