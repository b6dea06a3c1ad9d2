import { describe, expect, it } from 'vitest';
import { attrsAsStored } from '../../../src/fuse/wire/attr-view.ts';
import { statFsOf, statOf } from '../../../src/fuse/fuse-native/stat-form.ts';
import { Attr, S_IFCHR, makeRdev } from '../../../src/vfs/attr.ts';
import { EOVERFLOW } from '../../../src/vfs/errno.ts';

const attr = (fields: Partial<Attr>): Attr => Object.assign(new Attr(), fields);

describe('struct stat', () => {
  it('carries what has room, with times cut to milliseconds', () => {
    const from = attr({
      ...{ mode: S_IFCHR | 0o4751, ino: 0xffffffff, nlink: 3, uid: 0xfffffffe, gid: 7, size: 2 ** 53 - 1 },
      ...{
        blocks: 2 ** 40,
        rdev: makeRdev(4095, 0xfffff),
        atimeSec: 1,
        atimeNsec: 999_999_999,
        mtimeSec: 2 ** 33,
      },
    });
    expect(statOf(from, attrsAsStored)).toEqual({
      ...{ mode: S_IFCHR | 0o4751, ino: 0xffffffff, nlink: 3, uid: 0xfffffffe, gid: 7, size: 2 ** 53 - 1 },
      ...{ blocks: 2 ** 40, blksize: 4096, rdev: 0xffffffff, atime: 1999, mtime: 2 ** 33 * 1000, ctime: 0 },
    });
  });

  it.each([
    ['an inode number of 33 bits', { ino: 2 ** 32 }],
    ['an mtime before 1970', { mtimeSec: -1, mtimeNsec: 999_999_999 }],
    ['an atime before 1970', { atimeSec: -1 }],
    ['a ctime before 1970', { ctimeSec: -1 }],
  ])('has no room for %s', (_title, fields) => {
    expect(statOf(attr(fields), attrsAsStored)).toBe(-EOVERFLOW);
  });
});

describe('struct statvfs', () => {
  const counts = { blocksFree: 5, blocksAvailable: 3, filesFree: 9, blockSize: 4096, nameLength: 255 };

  it('carries counts of 32 bits as they are', () => {
    expect(statFsOf({ ...counts, blocks: 0xffffffff, files: 10 })).toEqual({
      ...{ bsize: 4096, frsize: 4096, blocks: 0xffffffff, bfree: 5, bavail: 3 },
      ...{ files: 10, ffree: 9, favail: 9, namemax: 255 },
    });
  });

  it('reports too many blocks as fewer, larger ones, and too many inodes as the maximum', () => {
    expect(
      statFsOf({ ...counts, blocks: 2 ** 34, blocksFree: 2 ** 33, blocksAvailable: 2 ** 20, files: 2 ** 40 }),
    ).toMatchObject({
      ...{ bsize: 8 * 4096, frsize: 8 * 4096, blocks: 2 ** 31, bfree: 2 ** 30, bavail: 2 ** 17 },
      files: 0xffffffff,
    });
  });
});
