import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as upper from '../../src/sys/upper-calls.ts';
import {
  E2BIG,
  EAGAIN,
  EBADF,
  EEXIST,
  EINVAL,
  ENODATA,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../src/vfs/errno.ts';
import { S_IFIFO } from '../../src/vfs/attr.ts';
import { bytes, EMPTY, O_PATH, UpperDirectory } from './upper-directory.ts';

const { O_RDONLY, O_RDWR, O_DIRECTORY } = fs.constants;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const FAR = 2 ** 40;

let u: UpperDirectory;
beforeEach(() => {
  u = new UpperDirectory();
});
afterEach(() => u.close());

/** A descriptor that is closed at the test's end. */
const open = (fd: number): number => u.keep(fd);

function create(name: string, content = ''): number {
  const fd = open(upper.createAt(u.dir, bytes(name), O_RDWR, 0o600, 0));
  expect(upper.writeFile(fd, bytes(content), 0)).toBe(content.length);
  return fd;
}

function contentOf(fd: number, length: number, position: number): string {
  const buffer = Buffer.alloc(length);
  return buffer.toString('latin1', 0, fs.readSync(fd, buffer, 0, length, position));
}

describe('xattrs', () => {
  test('are set, read, listed and removed by name and by an O_PATH descriptor', () => {
    create('f');
    const path = open(upper.openAt(u.dir, bytes('f'), O_PATH));
    const value = bytes('\0\xffvalue');
    for (const [dir, name] of [
      [u.dir, bytes('f')],
      [path, EMPTY],
    ] as const) {
      expect(upper.getxattrAt(dir, name, bytes('user.a'))).toBe(-ENODATA);
      expect(upper.listxattrAt(dir, name)).toEqual(EMPTY);
      expect(upper.setxattrAt(dir, name, bytes('user.a'), value, 2)).toBe(-ENODATA);
      expect(upper.setxattrAt(dir, name, bytes('user.a'), value, 1)).toBe(0);
      expect(upper.setxattrAt(dir, name, bytes('user.a'), value, 1)).toBe(-EEXIST);
      expect(upper.setxattrAt(dir, name, bytes('user.empty'), EMPTY, 0)).toBe(0);
      expect(upper.getxattrAt(dir, name, bytes('user.a'))).toEqual(value);
      expect(upper.getxattrAt(dir, name, bytes('user.empty'))).toEqual(EMPTY);
      const names = (upper.listxattrAt(dir, name) as Buffer).toString('latin1').split('\0').sort();
      expect(names).toEqual(['', 'user.a', 'user.empty']);
      expect(upper.removexattrAt(dir, name, bytes('user.a'))).toBe(0);
      expect(upper.removexattrAt(dir, name, bytes('user.empty'))).toBe(0);
      expect(upper.removexattrAt(dir, name, bytes('user.a'))).toBe(-ENODATA);
    }
  });

  test('of a symlink and a fifo are their own', () => {
    const before = u.outsideState();
    fs.symlinkSync(u.outside, u.path('link'));
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    const attribute = bytes('trusted.stratafs-test');
    for (const name of ['link', 'fifo']) {
      const path = open(upper.openAt(u.dir, bytes(name), O_PATH));
      expect(upper.setxattrAt(u.dir, bytes(name), attribute, bytes('1'), 0)).toBe(0);
      expect(upper.getxattrAt(path, EMPTY, attribute)).toEqual(bytes('1'));
      expect(upper.listxattrAt(path, EMPTY)).toEqual(bytes('trusted.stratafs-test\0'));
      expect(upper.setxattrAt(path, EMPTY, attribute, bytes('22'), 2)).toBe(0);
      expect(upper.getxattrAt(u.dir, bytes(name), attribute)).toEqual(bytes('22'));
      expect(upper.removexattrAt(path, EMPTY, attribute)).toBe(0);
      expect(upper.setxattrAt(u.dir, bytes(name), bytes('user.a'), bytes('1'), 0)).toBe(-EPERM);
    }
    expect(upper.getxattrAt(u.dir, bytes('link'), attribute)).toBe(-ENODATA);
    expect(u.outsideState()).toEqual(before);
  });

  test('are as long as the kernel lets them be', () => {
    create('f');
    const [f, attribute] = [bytes('f'), bytes('user.long')];
    for (const length of [1023, 1024, 1025, 3000]) {
      const value = Buffer.alloc(length, 'v');
      expect(upper.setxattrAt(u.dir, f, attribute, value, 0)).toBe(0);
      expect(upper.getxattrAt(u.dir, f, attribute)).toEqual(value);
    }
    expect(upper.setxattrAt(u.dir, f, attribute, Buffer.alloc(65_537), 0)).toBe(-E2BIG);
    expect(upper.setxattrAt(u.dir, f, bytes(`user.${'n'.repeat(250)}`), EMPTY, 0)).toBe(0);
    expect(upper.setxattrAt(u.dir, f, bytes(`user.${'n'.repeat(251)}`), EMPTY, 0)).toBe(-ERANGE);
    expect(upper.getxattrAt(u.dir, f, bytes('user.a\0b'))).toBe(-EINVAL);
    expect(upper.getxattrAt(u.dir, f, bytes('nonsense.a'))).toBe(-EOPNOTSUPP);
  });

  test('of a file system without any list as none', () => {
    const proc = open(fs.openSync('/proc/self', O_RDONLY | O_DIRECTORY));
    expect(upper.listxattrAt(proc, bytes('cmdline'))).toEqual(EMPTY);
  });
});

describe('listNames', () => {
  const names = (dir: number): Map<string, number> => {
    const list = upper.listNames(dir) as Buffer;
    const found = new Map<string, number>();
    for (let at = 0; at < list.length; at += 2 + list.readUInt8(at + 1)) {
      found.set(list.toString('latin1', at + 2, at + 2 + list.readUInt8(at + 1)), list.readUInt8(at));
    }
    return found;
  };

  test('lists names and types, each time it is called', () => {
    create('f');
    fs.mkdirSync(u.path('d'));
    fs.symlinkSync('f', u.path('\n'));
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    const expected = [
      ['\n', 10],
      ['d', 4],
      ['f', 8],
      ['fifo', 1],
    ];
    expect([...names(u.dir)].sort()).toEqual(expected);
    expect([...names(u.dir)].sort()).toEqual(expected);
    expect(upper.listNames(u.other)).toEqual(EMPTY);
    expect(upper.listNames(open(upper.openAt(u.dir, bytes('f'), O_PATH)))).toBe(-ENOTDIR);
  });

  test('lists 5,000 names of 255 bytes', () => {
    const expected = Array.from({ length: 5000 }, (_, i) => `${i}`.padEnd(255, 'x')).sort();
    for (const name of expected) fs.linkSync(u.outside, u.path(name));
    expect([...names(u.dir).keys()].sort()).toEqual(expected);
  });
});

describe('file data', () => {
  test('is written, cut and sought far beyond 4 GiB', () => {
    const fd = create('f');
    expect(upper.writeFile(fd, bytes('abc'), FAR)).toBe(3);
    expect(fs.fstatSync(fd).size).toBe(FAR + 3);
    expect(contentOf(fd, 10, FAR)).toBe('abc');
    expect(upper.seekFile(fd, 0, SEEK_DATA)).toBe(FAR);
    expect(upper.seekFile(fd, 0, SEEK_HOLE)).toBe(0);
    expect(upper.seekFile(fd, FAR, SEEK_HOLE)).toBe(FAR + 3);
    expect(upper.seekFile(fd, FAR + 3, SEEK_DATA)).toBe(-ENXIO);
    expect(upper.truncateFile(fd, FAR - 1)).toBe(0);
    expect(fs.fstatSync(fd).size).toBe(FAR - 1);
    expect(upper.truncateFile(fd, -1)).toBe(-EINVAL);
    expect(upper.writeFile(fd, EMPTY, 0)).toBe(0);
    expect(upper.writeFile(fd, bytes('x'), -1)).toBe(-EINVAL);
  });

  test('is allocated and punched', () => {
    const fd = create('f', 'x'.repeat(8192));
    expect(upper.allocateFile(fd, 1, 8192, 8192)).toBe(0);
    expect(fs.fstatSync(fd).size).toBe(8192);
    expect(fs.fstatSync(fd).blocks).toBeGreaterThanOrEqual(32);
    expect(upper.allocateFile(fd, 3, 0, 4096)).toBe(0);
    expect(upper.seekFile(fd, 0, SEEK_DATA)).toBe(4096);
    expect(upper.allocateFile(fd, 0, 0, 0)).toBe(-EINVAL);
  });

  test('needs a descriptor that is open for it', () => {
    create('f');
    const path = open(upper.openAt(u.dir, bytes('f'), O_PATH));
    expect(upper.writeFile(path, bytes('x'), 0)).toBe(-EBADF);
    expect(upper.truncateFile(open(upper.reopen(path, O_RDONLY)), 0)).toBe(-EINVAL);
    expect(upper.getFlags(path)).toBe(-EBADF);
  });

  test('carries inode flags', ({ skip }) => {
    const fd = create('f');
    const flags = upper.getFlags(fd);
    if (flags === -ENOTTY) skip('a file system without inode flags');
    const NOATIME = 0x80;
    expect(upper.setFlags(fd, flags | NOATIME)).toBe(0);
    expect(upper.getFlags(fd)).toBe(flags | NOATIME);
    expect(upper.getFlags(open(fs.openSync('/proc/self/cmdline', O_RDONLY)))).toBe(-ENOTTY);
  });
});

describe('on a pool thread', () => {
  test('a range is copied, shorter only at the end of its source', async () => {
    const from = create('from', '0123456789');
    const to = create('to', 'abc');
    expect(await upper.copyRangeLater(from, 2, to, 5, 4)).toBe(4);
    expect(contentOf(to, 20, 0)).toBe('abc\0\x002345');
    expect(await upper.copyRangeLater(from, 8, to, 0, FAR)).toBe(2);
    expect(contentOf(to, 3, 0)).toBe('89c');
    expect(await upper.copyRangeLater(from, 10, to, 0, 1)).toBe(0);
    expect(await upper.copyRangeLater(from, 0, to, FAR, 3)).toBe(3);
    expect(contentOf(to, 9, FAR)).toBe('012');
    expect(await upper.copyRangeLater(from, 0, from, 0, 0)).toBe(0);
    expect(await upper.copyRangeLater(from, -1, to, 0, 1)).toBe(-EINVAL);
    expect(await upper.copyRangeLater(9999, 0, to, 0, 1)).toBe(-EBADF);
  });

  test('a range is copied within a file, up to the end that it had, where none overlaps', async () => {
    const fd = create('f', '0123456789');
    expect(await upper.copyRangeLater(fd, 4, fd, 10, FAR)).toBe(6);
    expect(contentOf(fd, 20, 0)).toBe('0123456789456789');
    expect(await upper.copyRangeLater(fd, 0, fd, 1, 2)).toBe(-EINVAL);
    expect(await upper.copyRangeLater(fd, 1, fd, 0, 2)).toBe(-EINVAL);
    expect(await upper.copyRangeLater(fd, 0, fd, 0, FAR)).toBe(-EINVAL);
    expect(await upper.copyRangeLater(fd, FAR, fd, FAR, 5)).toBe(0);
  });

  test('a range is copied where the kernel has no way of its own', async () => {
    const to = create('to');
    const size = 3 * 1024 * 1024 + 1;
    const elsewhere = fs.mkdtempSync('/dev/shm/stratafs-upper-');
    try {
      fs.writeFileSync(`${elsewhere}/f`, Buffer.alloc(size, 'content '));
      const from = open(fs.openSync(`${elsewhere}/f`, O_RDONLY));
      expect(await upper.copyRangeLater(from, 0, to, 1, size + 7)).toBe(size);
      expect(fs.readFileSync(u.path('to'), 'latin1')).toBe(
        `\0${'content '.repeat(size / 8 + 1).slice(0, size)}`,
      );
      const proc = open(fs.openSync('/proc/self/status', O_RDONLY));
      expect(await upper.copyRangeLater(proc, 0, to, 0, 5)).toBe(5);
      expect(contentOf(to, 5, 0)).toBe('Name:');
    } finally {
      fs.rmSync(elsewhere, { recursive: true });
    }
  });

  test('bytes are written as they were at the call, the descriptor closed meanwhile', async () => {
    const fd = upper.createAt(u.dir, bytes('f'), O_RDWR, 0o600, 0);
    const content = Buffer.alloc(1 << 20, 'a');
    const written = upper.writeLater(fd, content, FAR);
    content.fill('b');
    fs.closeSync(fd);
    expect(await written).toBe(1 << 20);
    const again = open(upper.openAt(u.dir, bytes('f'), O_RDONLY));
    expect(contentOf(again, 1 << 20, FAR)).toBe('a'.repeat(1 << 20));
    expect(await upper.writeLater(again, bytes('x'), 0)).toBe(-EBADF);
  });

  test('files, directories and O_PATH descriptors are synced', async () => {
    const fd = create('f', 'abc');
    const path = open(upper.openAt(u.dir, bytes('f'), O_PATH));
    for (const each of [fd, path, u.dir]) {
      expect(await upper.syncLater(each, false)).toBe(0);
      expect(await upper.syncLater(each, true)).toBe(0);
      expect(await upper.syncFileSystemLater(each)).toBe(0);
    }
    upper.mknodAt(u.dir, bytes('fifo'), S_IFIFO | 0o600, 0, 0);
    const fifo = open(upper.openAt(u.dir, bytes('fifo'), O_PATH));
    expect(await upper.syncLater(fifo, false)).toBe(-ENXIO);
    expect(await upper.syncLater(9999, false)).toBe(-EBADF);
  });

  test('a worker may end before its jobs do', () => {
    const script = `
      const { Worker } = require('node:worker_threads');
      new Worker(\`
        const { createRequire } = require('node:module');
        const addon = require(process.cwd() + '/build/Release/stratafs.node');
        for (let i = 0; i < 100; i++) {
          const fd = addon.tmpfileAt(\${process.argv[1]}, 2, 0o600, 0);
          addon.writeLater(fd, Buffer.alloc(1 << 16), 0);
          addon.syncLater(fd, false);
        }
        process.exit(3);
      \`, { eval: true }).on('exit', (code) => process.exit(code + 4));`;
    const run = spawnSync(process.execPath, ['-e', script, '3'], {
      stdio: ['ignore', 'pipe', 'pipe', u.dir],
    });
    expect([run.status, run.signal, run.stderr.toString()]).toEqual([7, null, '']);
  });
});

describe('of the file system', () => {
  test('statfsAt returns the values of statfs', () => {
    const out = new Float64Array(8);
    expect(upper.statfsAt(u.dir, out)).toBe(0);
    const expected = fs.statfsSync(u.path(''));
    expect([out[0], out[3], out[5], out[7]]).toEqual([
      expected.blocks,
      expected.files,
      expected.bsize,
      expected.type,
    ]);
    expect(out[6]).toBe(255);
    expect(upper.statfsAt(u.dir, new Float64Array(7))).toBe(-EINVAL);
  });

  test('lockFile keeps a second holder out until it is closed', () => {
    const first = upper.openAt(u.dir, EMPTY, O_RDONLY | O_DIRECTORY);
    const second = open(upper.openAt(u.dir, EMPTY, O_RDONLY | O_DIRECTORY));
    expect(upper.lockFile(first)).toBe(0);
    expect(upper.lockFile(second)).toBe(-EAGAIN);
    fs.closeSync(first);
    expect(upper.lockFile(first)).toBe(-EBADF);
    expect(upper.lockFile(second)).toBe(0);
  });
});
