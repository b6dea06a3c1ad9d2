// rename(2) and renameat2(2), a sentence each. Expectations: POSIX, the man page, and kernel overlayfs.
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { S_IFCHR, S_IFMT } from '../../../src/vfs/attr.ts';
import {
  NO_NAME,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  setxattrAt,
} from '../../../src/sys/upper-calls.ts';
import type { NodeId } from '../../../src/vfs/filesystem.ts';
import { bytesOf } from '../../../src/vfs/names.ts';
import { link, mkdir, rename, rmdir, setattr, unlink } from '../act.ts';
import {
  LOWER_BYTES,
  MARKS,
  errnoOf,
  leftInWork,
  markOf,
  namesIn,
  readBytes,
  upperType,
  useSample,
} from '../sample.ts';
import { check, plain } from '../writable.ts';

const open = useSample();

describe('a file', () => {
  it('that only the upper has leaves nothing under its old name', async () => {
    const bench = open();
    await bench.write('dir/new', 'text');
    await rename(bench, 'dir/new', 'dir/newer');
    expect(upperType(bench, 'dir/new')).toBeUndefined();
    expect(await readBytes(bench, 'dir/newer')).toBe('text');
  });

  it('of a layer leaves a whiteout under its old name', async () => {
    const bench = open();
    await rename(bench, 'dir/file', 'dir/moved');
    expect(upperType(bench, 'dir/file')).toBe('whiteout');
    expect(namesIn(bench, 'dir')).toEqual(['added', 'below', 'moved', 'other']);
  });

  it('of a layer keeps its inode number and its bytes, also for the next mount', async () => {
    const bench = open();
    const { ino } = bench.lookup('top').attr;
    await rename(bench, 'top', 'dir/moved');
    for (let mounts = 0; mounts < 2; mounts++) {
      expect(bench.lookup('dir/moved').attr.ino).toBe(ino);
      expect(await readBytes(bench, 'dir/moved')).toBe(LOWER_BYTES.slice(0, 100));
      await bench.remount();
    }
  });

  it('replaces a file, which stays readable without a name', async () => {
    const bench = open();
    const replaced = bench.node('dir/other');
    await rename(bench, 'dir/file', 'dir/other');
    expect(bench.attr(replaced)).toMatchObject({ nlink: 0, size: 20 });
    expect(bench.lookup('dir/other').attr.size).toBe(10);
  });

  it('hides the lower file that it replaces, also for the next mount', async () => {
    const bench = open();
    await bench.write('new', 'text');
    await rename(bench, 'new', 'dir/file');
    await bench.remount();
    expect(await readBytes(bench, 'dir/file')).toBe('text');
  });

  it('takes the place of a whiteout', async () => {
    const bench = open();
    unlink(bench, 'dir/file');
    await rename(bench, 'dir/other', 'dir/file');
    expect([upperType(bench, 'dir/file'), upperType(bench, 'dir/other')]).toEqual(['file', 'whiteout']);
    expect(leftInWork(bench)).toEqual([]);
  });

  it('does not replace a directory', async () => {
    const bench = open();
    expect(await errnoOf(() => rename(bench, 'top', 'empty'))).toBe('EISDIR');
    expect(bench.lookup('top').attr.size).toBe(100);
  });

  it('stays as it is if both names lead to it', async () => {
    const bench = open();
    await rename(bench, 'one', 'two');
    expect(bench.lookup('one').attr).toMatchObject({ nlink: 2, ino: bench.lookup('two').attr.ino });
    await link(bench, 'top', 'third');
    await rename(bench, 'top', 'third');
    expect(namesIn(bench, '')).toContain('top');
  });

  it('that does not exist can not be renamed', async () => {
    expect(await errnoOf(() => rename(open(), 'missing', 'new'))).toBe('ENOENT');
  });

  it('can not get a name of more than 255 bytes', async () => {
    expect(await errnoOf(() => rename(open(), 'top', 'n'.repeat(256)))).toBe('ENAMETOOLONG');
  });
});

describe('a directory', () => {
  it('of a layer moves by a redirect, and its contents are not copied', async () => {
    const bench = open();
    await rename(bench, 'dir', 'moved');
    expect(markOf(bench, 'moved', 'redirect')).toBe('dir');
    expect(upperType(bench, 'moved/file')).toBeUndefined();
    expect(namesIn(bench, 'moved')).toEqual(['added', 'below', 'file', 'other']);
  });

  it('of a layer gets an absolute redirect in another directory', async () => {
    const bench = open();
    await rename(bench, 'dir/below', 'moved');
    expect(markOf(bench, 'moved', 'redirect')).toBe('/dir/below');
    await bench.remount();
    expect(await readBytes(bench, 'moved/inner')).toBe(LOWER_BYTES.slice(0, 3));
  });

  it('of a layer is EXDEV if the mount writes no redirects', async () => {
    const bench = open({ usesRedirect: false });
    expect(await errnoOf(() => rename(bench, 'dir', 'moved'))).toBe('EXDEV');
    mkdir(bench, 'new');
    await rename(bench, 'new', 'newer');
    expect(bench.exists('newer')).toBe(true);
  });

  it('replaces an empty directory', async () => {
    const bench = open();
    await rename(bench, 'dir', 'empty');
    expect(namesIn(bench, 'empty')).toEqual(['added', 'below', 'file', 'other']);
    expect(bench.exists('dir')).toBe(false);
  });

  it('replaces a directory whose lower names were all removed, and shows none of them', async () => {
    const bench = open();
    unlink(bench, 'dir/below/inner');
    mkdir(bench, 'dir/new');
    await rename(bench, 'dir/new', 'dir/below');
    await bench.remount();
    expect(namesIn(bench, 'dir/below')).toEqual([]);
    expect(markOf(bench, 'dir/below', 'opaque')).toBe('y');
  });

  it('does not replace a directory that has names', async () => {
    const bench = open();
    expect(await errnoOf(() => rename(bench, 'empty', 'dir'))).toBe('ENOTEMPTY');
  });

  it('does not replace a file', async () => {
    const bench = open();
    expect(await errnoOf(() => rename(bench, 'empty', 'top'))).toBe('ENOTDIR');
  });

  it('takes the place of a whiteout, which then hides its old name if one is needed', async () => {
    const bench = open();
    unlink(bench, 'top');
    await rename(bench, 'empty', 'top');
    expect([upperType(bench, 'top'), upperType(bench, 'empty')]).toEqual(['directory', 'whiteout']);
    mkdir(bench, 'new');
    rmdir(bench, 'top');
    await rename(bench, 'new', 'top');
    expect(upperType(bench, 'new')).toBeUndefined();
  });

  it('has its new parent as ".."', async () => {
    const bench = open();
    await rename(bench, 'dir/below', 'empty/below');
    expect(bench.lookup('empty/below/..').nodeId).toBe(bench.node('empty'));
    expect([bench.lookup('dir').attr.nlink, bench.lookup('empty').attr.nlink]).toEqual([2, 3]);
  });
});

describe('the flag', () => {
  it('RENAME_NOREPLACE refuses a name that exists', async () => {
    const bench = open();
    expect(await errnoOf(() => rename(bench, 'top', 'one', RENAME_NOREPLACE))).toBe('EEXIST');
    await rename(bench, 'top', 'new', RENAME_NOREPLACE);
    expect(bench.exists('top')).toBe(false);
  });

  it('RENAME_EXCHANGE exchanges a file and a directory', async () => {
    const bench = open();
    await rename(bench, 'top', 'dir', RENAME_EXCHANGE);
    for (let mounts = 0; mounts < 2; mounts++) {
      expect(bench.lookup('dir').attr.size).toBe(100);
      expect(namesIn(bench, 'top')).toEqual(['added', 'below', 'file', 'other']);
      await bench.remount();
    }
  });

  it('RENAME_EXCHANGE needs both names', async () => {
    expect(await errnoOf(() => rename(open(), 'top', 'missing', RENAME_EXCHANGE))).toBe('ENOENT');
  });

  it('RENAME_WHITEOUT leaves a character device 0:0, which shows', async () => {
    const bench = open();
    await rename(bench, 'dir/file', 'dir/moved', RENAME_WHITEOUT);
    for (let mounts = 0; mounts < 2; mounts++) {
      const { mode, rdev } = bench.lookup('dir/file').attr;
      expect([mode & S_IFMT, rdev]).toEqual([S_IFCHR, 0]);
      await bench.remount();
    }
  });

  it('RENAME_EXCHANGE can not be combined with another, and an unknown flag is refused', async () => {
    const bench = open();
    for (const flags of [RENAME_EXCHANGE | RENAME_NOREPLACE, RENAME_EXCHANGE | RENAME_WHITEOUT, 8]) {
      expect(await errnoOf(() => rename(bench, 'top', 'one', flags))).toBe('EINVAL');
    }
  });
});

it('leaves nothing in the work directory', async () => {
  const bench = open();
  await setattr(bench, 'top', { mode: 0o600 });
  await rename(bench, 'top', 'one');
  await rename(bench, 'dir', 'empty');
  expect(leftInWork(bench)).toEqual([]);
});

it('of a file in a directory deeper than descriptors are kept goes to the directory that was named', async () => {
  const bench = open();
  let deepest = bench.node('');
  const make = (parent: NodeId, name: string): NodeId => {
    const entry = bench.newEntry();
    check(bench.overlay.mkdir(parent, bytesOf(name), plain(0o755), bench.call(), entry), 'mkdir');
    return entry.nodeId;
  };
  for (let depth = 0; depth < 1100; depth++) deepest = make(deepest, 'd');
  const target = make(bench.node(''), 'target');
  make(deepest, 'moved');
  // Their descriptors replace those of the deep ones.
  for (let n = 0; n < 1000; n++) make(make(bench.node(''), `other${n}`), 'x');
  const [from, to] = [bytesOf('moved'), bytesOf('here')];
  check(await bench.overlay.rename(deepest, from, target, to, 0, bench.call()), 'rename');
  expect(upperType(bench, 'target/here')).toBe('directory');
  await bench.remount();
  expect(bench.exists('target/here')).toBe(true);
});

it('of a directory over a whiteout of another form leaves one of its own', async () => {
  const bench = open();
  await rename(bench, 'dir/below', 'dir/kept');
  unlink(bench, 'top');
  await bench.overlay.close();
  // As a mount made it that could not make devices.
  const path = join(bench.upper, 'top');
  unlinkSync(path);
  writeFileSync(path, '');
  const mark = (file: string, name: string, value: string): void => {
    const fd = openSync(file, 'r');
    check(setxattrAt(fd, NO_NAME, bytesOf(`${MARKS}${name}`), bytesOf(value), 0), 'setxattr');
    closeSync(fd);
  };
  mark(path, 'whiteout', 'y');
  mark(bench.upper, 'opaque', 'x');
  bench.reopen();
  expect(bench.exists('top')).toBe(false);
  await rename(bench, 'dir', 'top');
  await bench.remount();
  expect([bench.exists('dir'), bench.exists('top/file')]).toEqual([false, true]);
});
