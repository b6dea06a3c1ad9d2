// unlink(2) and rmdir(2), a sentence each. Expectations: POSIX, the man pages, and kernel overlayfs.
import { describe, expect, it } from 'vitest';
import { S_IFREG } from '../../../src/vfs/attr.ts';
import { bytesOf } from '../../../src/vfs/names.ts';
import { OpenFile } from '../../../src/vfs/operation.ts';
import { mkdir, mknod, overwrite, rmdir, unlink } from '../act.ts';
import { LOWER_BYTES, errnoOf, leftInWork, namesIn, readNode, upperType, useSample } from '../sample.ts';
import { check } from '../writable.ts';

const open = useSample();
const O_RDWR = 2;

describe('unlink', () => {
  it('of a file that only the upper has leaves nothing', async () => {
    const bench = open();
    await bench.write('dir/new', 'text');
    unlink(bench, 'dir/new');
    expect(upperType(bench, 'dir/new')).toBeUndefined();
    expect(bench.exists('dir/new')).toBe(false);
  });

  it('of a lower file leaves a whiteout', () => {
    const bench = open();
    unlink(bench, 'dir/file');
    expect(upperType(bench, 'dir/file')).toBe('whiteout');
    expect(namesIn(bench, 'dir')).toEqual(['added', 'below', 'other']);
  });

  it('of a copied-up file puts a whiteout in its place', async () => {
    const bench = open();
    await overwrite(bench, 'dir/file', 0, 'new');
    unlink(bench, 'dir/file');
    expect(upperType(bench, 'dir/file')).toBe('whiteout');
  });

  it('lasts for the next mount', async () => {
    const bench = open();
    unlink(bench, 'dir/file');
    unlink(bench, 'sym');
    await bench.remount();
    expect([bench.exists('dir/file'), bench.exists('sym')]).toEqual([false, false]);
  });

  it('of a directory is EISDIR', async () => {
    const bench = open();
    expect(await errnoOf(() => unlink(bench, 'empty'))).toBe('EISDIR');
  });

  it('of a name that does not exist, or was removed, is ENOENT', async () => {
    const bench = open();
    expect(await errnoOf(() => unlink(bench, 'missing'))).toBe('ENOENT');
    unlink(bench, 'top');
    expect(await errnoOf(() => unlink(bench, 'top'))).toBe('ENOENT');
  });

  it('of one of two names takes one link from the other', async () => {
    const bench = open();
    const { ino } = bench.lookup('one').attr;
    unlink(bench, 'one');
    for (let mounts = 0; mounts < 2; mounts++) {
      expect(bench.lookup('two').attr).toMatchObject({ nlink: 1, ino });
      await bench.remount();
    }
  });

  it('of one of two names of a copied-up file takes one link from the other', async () => {
    const bench = open();
    await overwrite(bench, 'one', 0, 'new');
    unlink(bench, 'one');
    expect(bench.lookup('two').attr.nlink).toBe(1);
    expect(await readNode(bench, bench.node('two'), 3)).toBe('new');
  });

  it('of the last name leaves the inode with no link and all its bytes', async () => {
    const bench = open();
    const node = bench.node('top');
    unlink(bench, 'top');
    expect(bench.attr(node)).toMatchObject({ nlink: 0, size: 100 });
    expect(await readNode(bench, node)).toBe(LOWER_BYTES.slice(0, 100));
  });

  it('of an open file leaves it readable and writable', async () => {
    const bench = open();
    await bench.write('new', 'text');
    const node = bench.node('new');
    check(await bench.overlay.open(node, O_RDWR, false, bench.call(), new OpenFile()), 'open');
    unlink(bench, 'new');
    expect(bench.overlay.write(node, 4, bytesOf('!'), undefined)).toBe(1);
    expect(await readNode(bench, node)).toBe('text!');
    bench.overlay.release(node);
  });

  it('changes the times of the directory, and of no directory above', () => {
    const bench = open();
    unlink(bench, 'dir/below/inner');
    expect(bench.lookup('dir/below').attr.mtimeSec).toBeGreaterThan(2000);
    expect(bench.lookup('dir').attr.mtimeSec).toBe(2000);
  });

  it('allows a new file of the same name', async () => {
    const bench = open();
    unlink(bench, 'top');
    await bench.write('top', 'new');
    unlink(bench, 'top');
    expect(upperType(bench, 'top')).toBe('whiteout');
    await bench.remount();
    expect(bench.exists('top')).toBe(false);
  });
});

describe('rmdir', () => {
  it('of a directory that only the upper has leaves nothing', () => {
    const bench = open();
    mkdir(bench, 'dir/new');
    rmdir(bench, 'dir/new');
    expect(upperType(bench, 'dir/new')).toBeUndefined();
  });

  it('of a lower directory leaves a whiteout, also for the next mount', async () => {
    const bench = open();
    rmdir(bench, 'empty');
    expect(upperType(bench, 'empty')).toBe('whiteout');
    await bench.remount();
    expect(bench.exists('empty')).toBe(false);
  });

  it('of a merged directory whose names were all removed removes their whiteouts too', () => {
    const bench = open();
    unlink(bench, 'dir/below/inner');
    expect(upperType(bench, 'dir/below/inner')).toBe('whiteout');
    rmdir(bench, 'dir/below');
    expect(upperType(bench, 'dir/below')).toBe('whiteout');
    expect(leftInWork(bench)).toEqual([]);
  });

  it('of a directory with lower names is ENOTEMPTY', async () => {
    expect(await errnoOf(() => rmdir(open(), 'dir'))).toBe('ENOTEMPTY');
  });

  it('of a directory with a name in the upper is ENOTEMPTY', async () => {
    const bench = open();
    mknod(bench, 'empty/new', S_IFREG | 0o644);
    expect(await errnoOf(() => rmdir(bench, 'empty'))).toBe('ENOTEMPTY');
    unlink(bench, 'empty/new');
    rmdir(bench, 'empty');
    expect(bench.exists('empty')).toBe(false);
  });

  it('of a file or a symlink is ENOTDIR', async () => {
    const bench = open();
    expect(await errnoOf(() => rmdir(bench, 'top'))).toBe('ENOTDIR');
    expect(await errnoOf(() => rmdir(bench, 'sym'))).toBe('ENOTDIR');
  });

  it('takes one link from the parent', () => {
    const bench = open();
    const before = bench.lookup('').attr.nlink;
    rmdir(bench, 'empty');
    expect(bench.lookup('').attr.nlink).toBe(before - 1);
  });

  it('leaves a directory that is in use empty and without links', () => {
    const bench = open();
    const removed = bench.node('empty');
    rmdir(bench, 'empty');
    expect(bench.attr(removed).nlink).toBe(0);
    expect(bench.overlay.lookup(removed, bytesOf('any'), bench.newEntry())).toBeLessThan(0);
    const status = bench.overlay.mkdir(
      removed,
      bytesOf('new'),
      { mode: 0o755, umask: 0, rdev: 0 },
      bench.call(),
      bench.newEntry(),
    );
    expect(status).toBeLessThan(0);
  });

  it('of a directory that replaced a removed one leaves a whiteout again', () => {
    const bench = open();
    rmdir(bench, 'empty');
    mkdir(bench, 'empty');
    rmdir(bench, 'empty');
    expect(upperType(bench, 'empty')).toBe('whiteout');
    expect(leftInWork(bench)).toEqual([]);
  });
});
