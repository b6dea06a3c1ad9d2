import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as upper from '../../src/sys/upper-calls.ts';
import { addon } from '../../src/sys/addon.ts';
import { type FileStat, STAT_LENGTH, createAndStat, statAt } from '../../src/sys/stat-at.ts';
import { UTIME_NOW, UTIME_OMIT } from '../../src/sys/upper-calls.ts';
import {
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EOPNOTSUPP,
} from '../../src/vfs/errno.ts';
import { makeRdev, S_IFBLK, S_IFCHR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { bytes, EMPTY, O_PATH, UpperDirectory } from './upper-directory.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_DIRECTORY } = fs.constants;
const O_TMPFILE = 0o20200000;
const FMODE_EXEC = 0x20;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

let u: UpperDirectory;
beforeEach(() => {
  u = new UpperDirectory();
});
afterEach(() => {
  u.close();
});

/** The content of a descriptor, which is closed. */
function readAndClose(fd: number): string {
  expect(fd).toBeGreaterThan(0);
  try {
    return fs.readFileSync(fd, 'latin1');
  } finally {
    fs.closeSync(fd);
  }
}

function closeNew(fd: number): void {
  expect(fd).toBeGreaterThan(0);
  fs.closeSync(fd);
}

/** Every call that takes a name, with what it answers for it. */
const named: Record<string, (name: Uint8Array) => unknown> = {
  statAt: (name) => statAt(u.dir, name),
  openAt: (name) => upper.openAt(u.dir, name, O_RDONLY),
  createAt: (name) => upper.createAt(u.dir, name, O_WRONLY, 0o600, 0),
  createAndStat: (name) => createAndStat(u.dir, name, O_WRONLY, 0o600, 0),
  mkdirAt: (name) => upper.mkdirAt(u.dir, name, 0o700, 0),
  mknodAt: (name) => upper.mknodAt(u.dir, name, S_IFIFO | 0o600, 0, 0),
  symlinkAt: (name) => upper.symlinkAt(bytes('target'), u.dir, name),
  'linkAt, from': (name) => upper.linkAt(u.dir, name, u.dir, bytes('new')),
  'linkAt, to': (name) => upper.linkAt(u.dir, bytes('file'), u.dir, name),
  unlinkAt: (name) => upper.unlinkAt(u.dir, name),
  rmdirAt: (name) => upper.rmdirAt(u.dir, name),
  'renameAt, from': (name) => upper.renameAt(u.dir, name, u.dir, bytes('new'), 0),
  'renameAt, to': (name) => upper.renameAt(u.dir, bytes('file'), u.dir, name, 0),
  readlinkAt: (name) => upper.readlinkAt(u.dir, name),
  chmodAt: (name) => upper.chmodAt(u.dir, name, 0o777),
  chownAt: (name) => upper.chownAt(u.dir, name, 1, 1),
  utimensAt: (name) => upper.utimensAt(u.dir, name, 1, 0, 1, 0),
  getxattrAt: (name) => upper.getxattrAt(u.dir, name, bytes('user.a')),
  setxattrAt: (name) => upper.setxattrAt(u.dir, name, bytes('user.a'), bytes('v'), 0),
  removexattrAt: (name) => upper.removexattrAt(u.dir, name, bytes('user.a')),
  listxattrAt: (name) => upper.listxattrAt(u.dir, name),
};
const takesNoEmptyName = [
  'createAt',
  'createAndStat',
  'mkdirAt',
  'mknodAt',
  'symlinkAt',
  'linkAt, to',
  'unlinkAt',
  'rmdirAt',
  'renameAt, from',
  'renameAt, to',
];

describe.each(Object.entries(named))('%s refuses', (name, call) => {
  test('names that are not a single component', () => {
    fs.writeFileSync(u.path('file'), 'inside');
    fs.mkdirSync(u.path('d'));
    const before = [u.outsideState(), fs.readdirSync(u.root), fs.readdirSync(u.path(''))];
    const hostile = ['.', '..', '/', '../outside', 'd/', 'd/..', '/etc', './file', 'file\0', '\0', '../'];
    for (const component of hostile)
      expect([component, call(bytes(component))]).toEqual([component, -EINVAL]);
    expect(call(bytes('n'.repeat(256)))).toBe(-ENAMETOOLONG);
    expect(call(bytes('/'.repeat(1 << 20)))).toBe(-ENAMETOOLONG);
    if (takesNoEmptyName.includes(name)) expect(call(EMPTY)).toBe(-EINVAL);
    expect([u.outsideState(), fs.readdirSync(u.root), fs.readdirSync(u.path(''))]).toEqual(before);
  });

  test('an argument that is not a name', () => {
    for (const wrong of [undefined, null, 7, 'file', {}, new ArrayBuffer(4)]) {
      expect(call(wrong as Uint8Array)).toBe(-EINVAL);
    }
  });
});

describe('openAt', () => {
  test('opens a file, a directory and, with an empty name, the directory itself', () => {
    fs.writeFileSync(u.path('f'), 'abc');
    fs.mkdirSync(u.path('d'));
    expect(readAndClose(upper.openAt(u.dir, bytes('f'), O_RDONLY))).toBe('abc');
    closeNew(upper.openAt(u.dir, bytes('f'), O_RDONLY | FMODE_EXEC));
    closeNew(upper.openAt(u.dir, bytes('d'), O_RDONLY | O_DIRECTORY));
    const self = upper.openAt(u.dir, EMPTY, O_RDONLY);
    try {
      expect(fs.fstatSync(self).ino).toBe(fs.statSync(u.path('')).ino);
    } finally {
      fs.closeSync(self);
    }
    expect(upper.openAt(u.dir, bytes('f'), O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR);
    expect(upper.openAt(u.dir, bytes('missing'), O_RDONLY)).toBe(-ENOENT);
    expect(upper.openAt(9999, bytes('f'), O_RDONLY)).toBe(-EBADF);
  });

  test('makes no file', () => {
    expect(upper.openAt(u.dir, bytes('f'), O_WRONLY | O_CREAT)).toBe(-EINVAL);
    expect(upper.openAt(u.dir, EMPTY, O_WRONLY | O_TMPFILE)).toBe(-EINVAL);
    expect(fs.readdirSync(u.path(''))).toEqual([]);
  });

  test('follows no symlink, and opens one with O_PATH', () => {
    fs.symlinkSync(u.outside, u.path('link'));
    const before = u.outsideState();
    expect(upper.openAt(u.dir, bytes('link'), O_RDONLY)).toBe(-ELOOP);
    expect(upper.openAt(u.dir, bytes('link'), O_WRONLY | O_TRUNC)).toBe(-ELOOP);
    const fd = upper.openAt(u.dir, bytes('link'), O_PATH);
    try {
      expect(upper.readlinkAt(fd, EMPTY)).toEqual(bytes(u.outside));
      expect(upper.reopen(fd, O_RDONLY)).toBe(-ELOOP);
    } finally {
      fs.closeSync(fd);
    }
    expect(u.outsideState()).toEqual(before);
  });

  test('does not wait for the other end of a fifo', () => {
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    closeNew(upper.openAt(u.dir, bytes('fifo'), O_RDONLY));
    expect(upper.openAt(u.dir, bytes('fifo'), O_WRONLY)).toBe(-ENXIO);
  });
});

describe('reopen', () => {
  test('opens the file of a descriptor with other rights, wherever its name went', () => {
    fs.writeFileSync(u.path('f'), 'abc');
    const path = upper.openAt(u.dir, bytes('f'), O_PATH);
    try {
      fs.unlinkSync(u.path('f'));
      fs.symlinkSync(u.outside, u.path('f'));
      expect(readAndClose(upper.reopen(path, O_RDONLY))).toBe('abc');
      const fd = upper.reopen(path, O_RDWR);
      expect(fs.writeSync(fd, 'x')).toBe(1);
      fs.closeSync(fd);
      expect(readAndClose(upper.reopen(path, O_RDONLY))).toBe('xbc');
    } finally {
      fs.closeSync(path);
    }
    expect(upper.reopen(9999, O_RDONLY)).toBe(-EBADF);
  });

  test('opens no fifo and no device', () => {
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    upper.mknodAt(u.dir, bytes('null'), S_IFCHR | 0o600, makeRdev(1, 3), 0);
    for (const name of ['fifo', 'null']) {
      const path = upper.openAt(u.dir, bytes(name), O_PATH);
      expect(upper.reopen(path, O_RDONLY)).toBe(-ENXIO);
      fs.closeSync(path);
    }
  });
});

describe('what makes an inode', () => {
  test('takes the bits of the umask off, and leaves the process its own', () => {
    const own = process.umask(0o027);
    try {
      closeNew(upper.createAt(u.dir, bytes('file'), O_WRONLY, 0o6777, 0o022));
      expect(upper.mkdirAt(u.dir, bytes('dir'), 0o1777, 0o077)).toBe(0);
      expect(upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o666, 0, 0o111)).toBe(0);
      const fd = upper.tmpfileAt(u.dir, O_RDWR, 0o666, 0o002);
      expect(fs.fstatSync(fd).mode & 0o7777).toBe(0o664);
      fs.closeSync(fd);
      expect([u.mode('file'), u.mode('dir'), u.mode('fifo')]).toEqual([0o6755, 0o1700, 0o666]);
    } finally {
      expect(process.umask(own)).toBe(0o027);
    }
  });

  test('obeys a default ACL in place of the umask', ({ skip }) => {
    const setfacl = spawnSync('setfacl', ['-d', '-m', 'u::rwx,g::rwx,o::r-x', u.path('')]);
    if (setfacl.status !== 0) skip('no setfacl, or a file system without ACLs');
    closeNew(upper.createAt(u.dir, bytes('file'), O_WRONLY, 0o666, 0o077));
    upper.mkdirAt(u.dir, bytes('dir'), 0o777, 0o077);
    expect([u.mode('file'), u.mode('dir')]).toEqual([0o664, 0o775]);
  });

  test('is never put in the place of another, nor through a symlink', () => {
    fs.symlinkSync(u.outside + '2', u.path('dangling'));
    fs.writeFileSync(u.path('file'), 'abc');
    for (const name of ['dangling', 'file']) {
      expect(upper.createAt(u.dir, bytes(name), O_WRONLY | O_TRUNC, 0o600, 0)).toBe(-EEXIST);
      expect(upper.mkdirAt(u.dir, bytes(name), 0o700, 0)).toBe(-EEXIST);
      expect(upper.mknodAt(u.dir, bytes(name), S_IFREG | 0o600, 0, 0)).toBe(-EEXIST);
      expect(upper.symlinkAt(bytes('x'), u.dir, bytes(name))).toBe(-EEXIST);
      expect(upper.linkAt(u.dir, bytes('file'), u.dir, bytes(name))).toBe(-EEXIST);
    }
    expect(fs.existsSync(u.outside + '2')).toBe(false);
    expect(fs.readFileSync(u.path('file'), 'latin1')).toBe('abc');
  });

  test('keeps device numbers beyond 8 bits', () => {
    const rdev = makeRdev(0xabc, 0xdef01);
    for (const type of [S_IFCHR, S_IFBLK]) {
      expect(upper.mknodAt(u.dir, bytes('dev'), type | 0o600, rdev, 0)).toBe(0);
      const stat = u.stat('dev');
      expect([stat.mode, stat.rdev]).toEqual([type | 0o600, rdev]);
      expect(upper.unlinkAt(u.dir, bytes('dev'))).toBe(0);
    }
  });

  test('keeps names and targets byte for byte', () => {
    const name = bytes('\xff\n\x01\xc3');
    const target = Buffer.concat([bytes('../\xfe/'), Buffer.alloc(4000, 'x')]);
    expect(upper.symlinkAt(target, u.dir, name)).toBe(0);
    expect(upper.readlinkAt(u.dir, name)).toEqual(target);
    expect(fs.readdirSync(u.path(''), 'latin1')).toEqual(['\xff\n\x01\xc3']);
    expect(upper.symlinkAt(Buffer.alloc(4096, 'x'), u.dir, bytes('l'))).toBe(-ENAMETOOLONG);
    expect(upper.symlinkAt(bytes('a\0b'), u.dir, bytes('l'))).toBe(-EINVAL);
    expect(upper.symlinkAt(EMPTY, u.dir, bytes('l'))).toBe(-ENOENT);
  });
});

describe('linkAt', () => {
  test('gives a name to an O_TMPFILE', () => {
    const fd = upper.tmpfileAt(u.dir, O_RDWR, 0o600, 0);
    try {
      fs.writeSync(fd, 'abc');
      expect(upper.linkAt(fd, EMPTY, u.dir, bytes('f'))).toBe(0);
    } finally {
      fs.closeSync(fd);
    }
    expect(fs.readFileSync(u.path('f'), 'latin1')).toBe('abc');
  });

  test('gives a second name to a symlink, not to its target, by name and by descriptor', () => {
    fs.symlinkSync(u.outside, u.path('link'));
    const path = upper.openAt(u.dir, bytes('link'), O_PATH);
    expect(upper.linkAt(u.dir, bytes('link'), u.other, bytes('second'))).toBe(0);
    expect(upper.linkAt(path, EMPTY, u.other, bytes('third'))).toBe(0);
    fs.closeSync(path);
    expect(u.stat('link').nlink).toBe(3);
    expect(fs.statSync(u.outside).nlink).toBe(1);
  });

  test('cannot bring back a file whose last name is gone', () => {
    fs.writeFileSync(u.path('f'), '');
    const path = upper.openAt(u.dir, bytes('f'), O_PATH);
    fs.unlinkSync(u.path('f'));
    expect(upper.linkAt(path, EMPTY, u.dir, bytes('f'))).toBe(-ENOENT);
    fs.closeSync(path);
  });
});

describe('what takes a name away', () => {
  test('unlinks what a symlink is, and removes only empty directories', () => {
    fs.symlinkSync(u.outside, u.path('link'));
    fs.mkdirSync(u.path('d'));
    fs.writeFileSync(u.path('d/f'), '');
    const dir = upper.openAt(u.dir, bytes('d'), O_PATH);
    expect(upper.rmdirAt(u.dir, bytes('link'))).toBe(-ENOTDIR);
    expect(upper.unlinkAt(u.dir, bytes('link'))).toBe(0);
    expect(upper.rmdirAt(u.dir, bytes('d'))).toBe(-ENOTEMPTY);
    expect(upper.unlinkAt(dir, bytes('f'))).toBe(0);
    fs.closeSync(dir);
    expect(upper.rmdirAt(u.dir, bytes('d'))).toBe(0);
    expect(fs.existsSync(u.outside)).toBe(true);
  });

  test('renames over, without replacing, and in exchange', () => {
    fs.writeFileSync(u.path('a'), 'a');
    fs.writeFileSync(u.path('b'), 'b');
    const [a, b] = [bytes('a'), bytes('b')];
    expect(upper.renameAt(u.dir, a, u.dir, b, RENAME_NOREPLACE)).toBe(-EEXIST);
    expect(upper.renameAt(u.dir, a, u.dir, b, RENAME_EXCHANGE)).toBe(0);
    expect(fs.readFileSync(u.path('a'), 'latin1')).toBe('b');
    expect(upper.renameAt(u.dir, a, u.other, b, 0)).toBe(0);
    expect(upper.renameAt(u.dir, b, u.other, b, 0)).toBe(0);
    expect(fs.readdirSync(u.path(''))).toEqual([]);
    expect(upper.renameAt(u.other, b, u.dir, b, 64)).toBe(-EINVAL);
  });
});

describe('attributes', () => {
  test('statAt returns the values of lstat', () => {
    fs.writeFileSync(u.path('f'), 'abc', { mode: 0o640 });
    fs.linkSync(u.path('f'), u.path('g'));
    fs.chownSync(u.path('f'), 70_000, 4_000_000_000);
    fs.symlinkSync('f', u.path('l'));
    for (const name of ['f', 'l', '']) {
      const expected = fs.lstatSync(u.path(name), { bigint: true });
      const stat = u.stat(name);
      const of = (field: keyof FileStat): bigint => BigInt(stat[field]);
      expect(of('mode')).toBe(expected.mode);
      expect(of('nlink')).toBe(expected.nlink);
      expect([of('uid'), of('gid')]).toEqual([expected.uid, expected.gid]);
      expect([of('size'), of('blocks'), of('ino')]).toEqual([expected.size, expected.blocks, expected.ino]);
      for (const time of ['atime', 'mtime', 'ctime'] as const) {
        expect(of(`${time}Sec`) * 1_000_000_000n + of(`${time}Nsec`)).toBe(expected[`${time}Ns`]);
      }
      if (of('hasBtime') === 1n) {
        expect(of('btimeSec') * 1_000_000_000n + of('btimeNsec')).toBe(expected.birthtimeNs);
      }
      expect(of('isMountRoot')).toBe(0n);
    }
    expect(u.stat('f').dev).toBe(u.stat('').dev);
    const proc = fs.openSync('/', O_PATH);
    expect(statAt(proc, bytes('proc'))).toMatchObject({ isMountRoot: true });
    fs.closeSync(proc);
  });

  test('createAndStat says of a new file what statAt says', () => {
    const newFile = createAndStat(u.dir, bytes('f'), O_RDWR, 0o6777, 0o027);
    if (typeof newFile === 'number') throw new Error(`errno ${newFile}`);
    closeNew(newFile.fd);
    expect(newFile.stat).toEqual(u.stat('f'));
    expect(newFile.stat.mode & 0o7777).toBe(0o6750);
    expect(createAndStat(u.dir, bytes('f'), O_RDWR, 0o600, 0)).toBe(-EEXIST);
  });

  test('what statAt returned stays as it is while others are looked at', () => {
    fs.writeFileSync(u.path('f'), 'abc');
    const first = u.stat('f');
    const copy = { ...first };
    expect(u.stat('').ino).not.toBe(first.ino);
    expect(first).toEqual(copy);
  });

  test('the native statAt writes only where there is room', () => {
    const { statAt: fill } = addon as { statAt: (dir: number, name: Uint8Array, out: unknown) => number };
    expect(fill(u.dir, EMPTY, new Float64Array(STAT_LENGTH - 1))).toBe(-EINVAL);
    expect(fill(u.dir, EMPTY, new Uint8Array(160))).toBe(-EINVAL);
  });

  test('change what is named, never what a symlink leads to', () => {
    fs.symlinkSync(u.outside, u.path('link'));
    const path = upper.openAt(u.dir, bytes('link'), O_PATH);
    const before = u.outsideState();
    for (const [dir, name] of [
      [u.dir, bytes('link')],
      [path, EMPTY],
    ] as const) {
      expect(upper.chmodAt(dir, name, 0o777)).toBe(-EOPNOTSUPP);
      expect(upper.chownAt(dir, name, 5, 6)).toBe(0);
      expect(upper.utimensAt(dir, name, 1, 2, 3, 4)).toBe(0);
    }
    fs.closeSync(path);
    const stat = u.stat('link');
    expect(stat).toMatchObject({ uid: 5, gid: 6, mtimeSec: 3, mtimeNsec: 4 });
    expect(stat.mode & S_IFMT).toBe(S_IFLNK);
    expect(u.outsideState()).toEqual(before);
  });

  test('change a file by an O_PATH descriptor, also of a fifo', () => {
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    const path = upper.openAt(u.dir, bytes('fifo'), O_PATH);
    expect(upper.chmodAt(path, EMPTY, 0o4751)).toBe(0);
    expect(u.mode('fifo')).toBe(0o4751);
    expect(upper.chmodAt(u.dir, bytes('fifo'), S_IFREG | 0o640)).toBe(0);
    expect(upper.chownAt(path, EMPTY, 5, 0xffffffff)).toBe(0);
    expect(upper.chownAt(path, EMPTY, 0xffffffff, 6)).toBe(0);
    fs.closeSync(path);
    const stat = u.stat('fifo');
    expect(stat).toMatchObject({ mode: S_IFIFO | 0o640, uid: 5, gid: 6 });
  });

  test('keep times before 1970 and to the nanosecond, and leave what is omitted', () => {
    closeNew(upper.createAt(u.dir, bytes('f'), O_WRONLY, 0o600, 0));
    const f = bytes('f');
    expect(upper.utimensAt(u.dir, f, -2, 999_999_999, -1_000_000_000, 1)).toBe(0);
    const atime = { atimeSec: -2, atimeNsec: 999_999_999 };
    expect(u.stat('f')).toMatchObject({ ...atime, mtimeSec: -1_000_000_000, mtimeNsec: 1 });
    expect(upper.utimensAt(u.dir, f, 0, UTIME_OMIT, 0, UTIME_NOW)).toBe(0);
    expect(u.stat('f')).toMatchObject(atime);
    expect(u.stat('f').mtimeSec).toBeGreaterThan(1_600_000_000);
    expect(upper.utimensAt(u.dir, f, 0, 1_000_000_000, 0, 0)).toBe(-EINVAL);
  });
});

test('a negative number is not a descriptor, even AT_FDCWD', () => {
  const AT_FDCWD = -100;
  for (const fd of [AT_FDCWD, -1, -2]) {
    expect(statAt(fd, bytes('package.json'))).toBe(-EBADF);
    expect(upper.openAt(fd, bytes('package.json'), O_RDONLY)).toBe(-EBADF);
    expect(upper.listxattrAt(fd, bytes('package.json'))).toBe(-EBADF);
    expect(upper.listNames(fd)).toBe(-EBADF);
    expect(upper.writeFile(fd, bytes('x'), 0)).toBe(-EBADF);
  }
});
