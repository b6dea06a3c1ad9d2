// link(2), a sentence each. Expectations: POSIX, the man page, and kernel overlayfs.
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { S_IFIFO, S_IFLNK, S_IFMT } from '../../../src/vfs/attr.ts';
import { bytesOf } from '../../../src/vfs/names.ts';
import { link, mknod, overwrite, rmdir, setattr, unlink } from '../act.ts';
import { LOWER_BYTES, errnoOf, leftInWork, markOf, readBytes, upperType, useSample } from '../sample.ts';

const open = useSample();

describe('the two names', () => {
  it('lead to one inode with two links', async () => {
    const bench = open();
    await link(bench, 'top', 'dir/linked');
    const { nodeId, attr } = bench.lookup('dir/linked');
    expect([nodeId, attr.nlink]).toEqual([bench.node('top'), 2]);
  });

  it('keep the inode number of the lower file', async () => {
    const bench = open();
    const { ino } = bench.lookup('top').attr;
    await link(bench, 'top', 'linked');
    expect(bench.lookup('linked').attr.ino).toBe(ino);
  });

  it('are one file for the next mount too', async () => {
    const bench = open();
    await link(bench, 'top', 'linked');
    await bench.remount();
    expect(bench.lookup('linked').nodeId).toBe(bench.node('top'));
    expect(bench.lookup('top').attr.nlink).toBe(2);
  });

  it('are one file in the upper', async () => {
    const bench = open();
    await link(bench, 'top', 'dir/linked');
    const [one, other] = ['top', 'dir/linked'].map((path) => lstatSync(join(bench.upper, path)).ino);
    expect(one).toBe(other);
  });

  it('show what is written through either', async () => {
    const bench = open();
    await link(bench, 'top', 'linked');
    await overwrite(bench, 'linked', 0, 'new');
    expect(await readBytes(bench, 'top')).toBe(`new${LOWER_BYTES.slice(3, 100)}`);
  });

  it('show a changed owner and mode through either', async () => {
    const bench = open();
    await link(bench, 'top', 'linked');
    await setattr(bench, 'linked', { uid: 5, gid: 6, mode: 0o600 });
    const { uid, gid, mode } = bench.lookup('top').attr;
    expect([uid, gid, mode & 0o777]).toEqual([5, 6, 0o600]);
  });

  it('can be removed one after the other', async () => {
    const bench = open();
    await link(bench, 'top', 'linked');
    unlink(bench, 'top');
    expect(bench.lookup('linked').attr.nlink).toBe(1);
    expect(upperType(bench, 'top')).toBe('whiteout');
    unlink(bench, 'linked');
    expect(upperType(bench, 'linked')).toBeUndefined();
  });
});

describe('a file with two names in the image', () => {
  it('gets a third', async () => {
    const bench = open();
    await link(bench, 'one', 'three');
    for (let mounts = 0; mounts < 2; mounts++) {
      for (const path of ['one', 'two', 'three']) expect(bench.lookup(path).attr.nlink).toBe(3);
      await bench.remount();
    }
  });
});

describe('the new name', () => {
  it('may be in a directory that only a layer has, which is copied up', async () => {
    const bench = open();
    await link(bench, 'top', 'dir/below/linked');
    expect(upperType(bench, 'dir/below')).toBe('directory');
    expect(bench.lookup('dir').attr.mtimeSec).toBe(2000);
  });

  it('takes the place of a whiteout', async () => {
    const bench = open();
    unlink(bench, 'dir/file');
    await link(bench, 'top', 'dir/file');
    await bench.remount();
    expect(bench.lookup('dir/file').nodeId).toBe(bench.node('top'));
    expect(leftInWork(bench)).toEqual([]);
  });

  it('may not exist, in a layer or in the upper', async () => {
    const bench = open();
    await bench.write('new', 'text');
    for (const path of ['dir/file', 'dir', 'new', 'top']) {
      expect(await errnoOf(() => link(bench, 'top', path))).toBe('EEXIST');
    }
  });

  it('may have 255 bytes and not more', async () => {
    const bench = open();
    await link(bench, 'top', 'n'.repeat(255));
    expect(await errnoOf(() => link(bench, 'top', 'n'.repeat(256)))).toBe('ENAMETOOLONG');
  });

  it('can not be in a removed directory', async () => {
    const bench = open();
    const removed = bench.node('empty');
    rmdir(bench, 'empty');
    const linked = bench.overlay.link(
      bench.node('top'),
      removed,
      bytesOf('new'),
      bench.call(),
      bench.newEntry(),
    );
    expect(await linked).toBeLessThan(0);
  });

  it('changes the times of its directory, not of the directory of the old name', async () => {
    const bench = open();
    await link(bench, 'top', 'dir/linked');
    expect(bench.lookup('dir').attr.mtimeSec).toBeGreaterThan(2000);
    expect(bench.lookup('top').attr.mtimeSec).toBe(1000);
  });

  it('may begin with `.wh.` in an upper of the kernel, and not in one of fuse-overlayfs', async () => {
    await link(open(), 'top', '.wh.linked');
    const bench = open({ takesAufsForm: true });
    expect(await errnoOf(() => link(bench, 'top', '.wh.linked'))).toBe('EPERM');
  });
});

describe('the linked file', () => {
  it('is never a directory', async () => {
    expect(await errnoOf(() => link(open(), 'dir', 'linked'))).toBe('EPERM');
  });

  it('may be a symlink, which is not followed', async () => {
    const bench = open();
    await link(bench, 'sym', 'linked');
    expect(bench.lookup('linked').attr).toMatchObject({ mode: S_IFLNK | 0o777, nlink: 2 });
  });

  it('may be a fifo', async () => {
    const bench = open();
    mknod(bench, 'pipe', S_IFIFO | 0o600);
    await link(bench, 'pipe', 'linked');
    const { mode, nlink } = bench.lookup('linked').attr;
    expect([mode & S_IFMT, nlink]).toEqual([S_IFIFO, 2]);
  });

  it('may be a metacopy: its bytes are found under both names', async () => {
    const bench = open();
    await link(bench, 'top', 'dir/linked');
    expect(markOf(bench, 'dir/linked', 'metacopy')).toBe('');
    await bench.remount();
    expect(await readBytes(bench, 'dir/linked')).toBe(LOWER_BYTES.slice(0, 100));
    expect(await readBytes(bench, 'top')).toBe(LOWER_BYTES.slice(0, 100));
  });

  it('can be renamed and removed under one name without changing the other', async () => {
    const bench = open();
    await link(bench, 'dir/file', 'dir/linked');
    unlink(bench, 'dir/file');
    await link(bench, 'dir/linked', 'dir/file');
    expect(bench.lookup('dir/file').attr).toMatchObject({ nlink: 2, size: 10 });
  });
});
