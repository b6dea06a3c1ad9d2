// create, mkdir, mknod, symlink and O_TMPFILE, a sentence each. Expectations: POSIX, inode(7), and kernel overlayfs.
import { describe, expect, it } from 'vitest';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../../src/vfs/attr.ts';
import { bytesOf, latin1Of } from '../../../src/vfs/names.ts';
import { Call, OpenFile } from '../../../src/vfs/operation.ts';
import { mkdir, mknod, rmdir, setattr, symlink, unlink } from '../act.ts';
import { errnoOf, leftInWork, markOf, namesIn, upperType, useSample } from '../sample.ts';
import { type Bench, check, plain } from '../writable.ts';

const open = useSample();
const other = new Call(1000, 1001, process.pid);

/** mknod(2) by `call`. `mode`: with type bits. */
function makeAs(bench: Bench, call: Call, path: string, mode: number, umask = 0): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mknod(parent, name, { mode, umask, rdev: 0 }, call, bench.newEntry()),
  );
  check(status, 'mknod', path);
}

function mkdirAs(bench: Bench, call: Call, path: string): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mkdir(parent, name, plain(0o755), call, bench.newEntry()),
  );
  check(status, 'mkdir', path);
}

describe('a new file', () => {
  it('is empty, has one name, and belongs to the caller', () => {
    const bench = open();
    makeAs(bench, other, 'dir/new', S_IFREG | 0o640);
    expect(bench.lookup('dir/new').attr).toMatchObject({
      mode: S_IFREG | 0o640,
      size: 0,
      nlink: 1,
      uid: 1000,
      gid: 1001,
    });
  });

  it('has the mode without the bits of the umask', () => {
    const bench = open();
    makeAs(bench, bench.call(), 'new', S_IFREG | 0o666, 0o027);
    expect(bench.lookup('new').attr.mode & 0o777).toBe(0o640);
  });

  it('keeps the set-user-ID bit that another user requested', () => {
    const bench = open();
    makeAs(bench, other, 'new', S_IFREG | 0o4755);
    expect(bench.lookup('new').attr.mode & 0o7777).toBe(0o4755);
  });

  it('has an inode number that no lower file has, and keeps it', async () => {
    const bench = open();
    mknod(bench, 'new', S_IFREG | 0o644);
    const { ino } = bench.lookup('new').attr;
    expect([...bench.list('').values()].filter((number) => number === ino)).toHaveLength(1);
    await bench.remount();
    expect(bench.lookup('new').attr.ino).toBe(ino);
  });

  it('can not have a name that a layer or the upper has', async () => {
    const bench = open();
    mknod(bench, 'new', S_IFREG | 0o644);
    for (const path of ['dir/file', 'dir', 'new', 'sym']) {
      expect(await errnoOf(() => mknod(bench, path, S_IFREG | 0o644))).toBe('EEXIST');
    }
  });

  it('takes the place of a whiteout', async () => {
    const bench = open();
    unlink(bench, 'dir/file');
    mknod(bench, 'dir/file', S_IFREG | 0o600);
    expect(upperType(bench, 'dir/file')).toBe('file');
    await bench.remount();
    expect(bench.lookup('dir/file').attr).toMatchObject({ size: 0, mode: S_IFREG | 0o600 });
  });

  it('over a whiteout belongs to the caller too', () => {
    const bench = open();
    unlink(bench, 'dir/file');
    makeAs(bench, other, 'dir/file', S_IFREG | 0o4711);
    expect(bench.lookup('dir/file').attr).toMatchObject({ uid: 1000, gid: 1001, mode: S_IFREG | 0o4711 });
  });

  it('changes the times of its directory, and of no directory above', () => {
    const bench = open();
    mknod(bench, 'dir/below/new', S_IFREG | 0o644);
    expect(bench.lookup('dir/below').attr.mtimeSec).toBeGreaterThan(2000);
    expect(bench.lookup('dir').attr.mtimeSec).toBe(2000);
  });

  it('can not have a name of more than 255 bytes', async () => {
    const bench = open();
    mknod(bench, 'n'.repeat(255), S_IFREG | 0o644);
    expect(await errnoOf(() => mknod(bench, 'n'.repeat(256), S_IFREG | 0o644))).toBe('ENAMETOOLONG');
  });

  it('can not be created in a removed directory', () => {
    const bench = open();
    const removed = bench.node('empty');
    rmdir(bench, 'empty');
    const status = bench.overlay.mknod(
      removed,
      bytesOf('new'),
      plain(S_IFREG | 0o644),
      bench.call(),
      bench.newEntry(),
    );
    expect(status).toBeLessThan(0);
  });
});

describe('in a set-group-ID directory', () => {
  it('a file gets its group', async () => {
    const bench = open();
    await setattr(bench, 'dir', { gid: 77, mode: 0o2775 });
    makeAs(bench, other, 'dir/new', S_IFREG | 0o644);
    expect(bench.lookup('dir/new').attr).toMatchObject({ uid: 1000, gid: 77 });
  });

  it('a directory gets its group and its bit', async () => {
    const bench = open();
    await setattr(bench, 'dir', { gid: 77, mode: 0o2775 });
    mkdirAs(bench, other, 'dir/new');
    expect(bench.lookup('dir/new').attr).toMatchObject({ uid: 1000, gid: 77, mode: S_IFDIR | 0o2755 });
  });

  it('both do over a whiteout too', async () => {
    const bench = open();
    await setattr(bench, 'dir', { gid: 77, mode: 0o2775 });
    unlink(bench, 'dir/file');
    unlink(bench, 'dir/other');
    makeAs(bench, other, 'dir/file', S_IFREG | 0o644);
    mkdirAs(bench, other, 'dir/other');
    expect(bench.lookup('dir/file').attr).toMatchObject({ uid: 1000, gid: 77 });
    expect(bench.lookup('dir/other').attr).toMatchObject({ uid: 1000, gid: 77, mode: S_IFDIR | 0o2755 });
  });
});

describe('a new directory', () => {
  it('has two links, and adds one to its parent', () => {
    const bench = open();
    const before = bench.lookup('dir').attr.nlink;
    mkdir(bench, 'dir/new');
    expect([bench.lookup('dir/new').attr.nlink, bench.lookup('dir').attr.nlink]).toEqual([2, before + 1]);
  });

  it('is opaque if it replaces a removed one, and shows none of its names', async () => {
    const bench = open();
    unlink(bench, 'dir/below/inner');
    rmdir(bench, 'dir/below');
    mkdir(bench, 'dir/below');
    expect(markOf(bench, 'dir/below', 'opaque')).toBe('y');
    await bench.remount();
    expect(namesIn(bench, 'dir/below')).toEqual([]);
  });

  it('is not marked opaque if no layer has its name', () => {
    const bench = open();
    mkdir(bench, 'new');
    expect(markOf(bench, 'new', 'opaque')).toBeUndefined();
  });
});

describe('a special file', () => {
  it('is a symlink with unchanged bytes of its target', () => {
    const bench = open();
    symlink(bench, '../\xff/./x', 'new');
    const { nodeId, attr } = bench.lookup('new');
    expect(attr.mode).toBe(S_IFLNK | 0o777);
    expect(latin1Of(bench.overlay.readlink(nodeId) as Uint8Array)).toBe('../\xff/./x');
  });

  it('is a fifo or a device with its number', () => {
    const bench = open();
    mknod(bench, 'pipe', S_IFIFO | 0o600);
    mknod(bench, 'null', S_IFCHR | 0o666, 0x103);
    expect(bench.lookup('pipe').attr.mode).toBe(S_IFIFO | 0o600);
    expect(bench.lookup('null').attr).toMatchObject({ mode: S_IFCHR | 0o666, rdev: 0x103 });
  });

  it('may be a character device 0:0, which shows and hides nothing', async () => {
    const bench = open();
    mknod(bench, 'dir/new', S_IFCHR | 0o600);
    await bench.remount();
    const { mode, rdev } = bench.lookup('dir/new').attr;
    expect([mode & S_IFMT, rdev]).toEqual([S_IFCHR, 0]);
    expect(upperType(bench, 'dir/new')).toBe('file');
  });
});

describe('an O_TMPFILE', () => {
  it('has no name, and gets its first one by link(2)', async () => {
    const bench = open();
    const entry = bench.newEntry();
    const dir = bench.node('dir');
    const newFile = plain(S_IFREG | 0o600);
    check(bench.overlay.tmpfile(dir, 2, newFile, bench.call(), entry, new OpenFile()), 'tmpfile');
    expect(bench.attr(entry.nodeId).nlink).toBe(0);
    expect(namesIn(bench, 'dir')).toEqual(['added', 'below', 'file', 'other']);
    check(
      await bench.overlay.link(entry.nodeId, dir, bytesOf('named'), bench.call(), bench.newEntry()),
      'link',
    );
    expect(bench.lookup('dir/named').attr.nlink).toBe(1);
    bench.overlay.release(entry.nodeId);
  });
});

it('leaves nothing in the work directory', () => {
  const bench = open();
  unlink(bench, 'top');
  mkdir(bench, 'top');
  unlink(bench, 'one');
  mknod(bench, 'one', S_IFCHR | 0o600);
  expect(leftInWork(bench)).toEqual([]);
});
