// Copy-up: the files and marks that it leaves in the upper, and the attributes that it must not change. The marks are those of
// kernel overlayfs (Documentation/filesystems/overlayfs.rst, fs/overlayfs/overlayfs.h).
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { getxattrAt } from '../../../src/sys/upper-calls.ts';
import { S_IFCHR, S_IFIFO, makeRdev } from '../../../src/vfs/attr.ts';
import { FileRange } from '../../../src/vfs/blob-reader.ts';
import { EIO, ErrnoError } from '../../../src/vfs/errno.ts';
import type { NodeId } from '../../../src/vfs/filesystem.ts';
import { bytesOf } from '../../../src/vfs/names.ts';
import { OpenFile } from '../../../src/vfs/operation.ts';
import { describeWith } from '../../requirements.ts';
import { directory, file, layer, special, symlink } from '../../tree/layer-maker.ts';
import { link, overwrite, rename, setattr, setxattr, unlink } from '../act.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench } from '../writable.ts';

const PAGE = 4096;
const content = Buffer.alloc(4 * PAGE, 'the bytes of the image. ');
const MARKS = process.geteuid?.() === 0 ? 'trusted.overlay.' : 'user.overlay.';
const O_RDONLY = 0;
const O_RDWR = 2;

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

function open(options = {}): Bench {
  const bench = new Bench(
    [
      layer({
        d: directory(
          {
            file: file({ size: 2 * PAGE, mtime: 1000, xattrs: { 'user.color': 'blue' } }),
            suid: file({ size: 1, mtime: 1000, mode: 0o106755 }),
            empty: file({ mtime: 1000 }),
            closed: file({ size: 2, mtime: 1000, mode: 0o100000 }),
            short: file({ size: 10 * PAGE }),
            // A hole of 64 KiB, then the first 3 bytes of the blob.
            sparse: file({ size: 16 * PAGE + 3, extents: [[16 * PAGE, 3, 0]] }),
            sym: symlink('../elsewhere'),
            pipe: special(S_IFIFO | 0o620),
          },
          { mtime: 2000, mode: 0o40750 },
        ),
      }),
    ],
    [new MemoryReader(content)],
    options,
  );
  benches.push(bench);
  return bench;
}

/** The value (latin1) of a mark of the upper file at `path`; undefined if it has none. */
function mark(bench: Bench, path: string, name: string): string | undefined {
  const fd = openSync(join(bench.upper, dirname(path)), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const value = getxattrAt(fd, bytesOf(path.slice(path.lastIndexOf('/') + 1)), bytesOf(MARKS + name));
    return typeof value === 'number' ? undefined : value.toString('latin1');
  } finally {
    closeSync(fd);
  }
}

const stored = (bench: Bench, path: string): Buffer => readFileSync(join(bench.upper, path));
const staged = (bench: Bench): string[] => readdirSync(join(bench.work, 'work'));
async function readText(bench: Bench, node: NodeId, length: number): Promise<string> {
  const result = await bench.overlay.read(node, 0, length);
  if (typeof result === 'number') throw new ErrnoError(result, 'read');
  if (!(result instanceof FileRange)) return Buffer.from(result).toString();
  const bytes = Buffer.alloc(length);
  readSync(result.fd, bytes, 0, length, result.position);
  return bytes.toString();
}
/** Copies up a file with all its bytes by opening it for writing. Writes nothing. */
async function copyWhole(bench: Bench, path: string): Promise<number> {
  const node = bench.node(path);
  const status = await bench.overlay.open(node, O_RDWR, false, bench.call(), new OpenFile());
  if (status === 0) bench.overlay.release(node);
  return status;
}

describe('a copy-up of a file', () => {
  it('gives the upper all its bytes', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    expect(stored(bench, 'd/file').equals(content.subarray(0, 2 * PAGE))).toBe(true);
  });

  it('changes only its change time and its number of blocks', async () => {
    const bench = open();
    const before = bench.lookup('d/file').attr;
    await copyWhole(bench, 'd/file');
    const after = bench.lookup('d/file').attr;
    const { ctimeSec, ctimeNsec, blocks, hasBtime, btimeSec, btimeNsec } = after;
    Object.assign(before, { ctimeSec, ctimeNsec, blocks, hasBtime, btimeSec, btimeNsec });
    expect(after).toEqual(before);
  });

  it('keeps the inode number over a remount', async () => {
    const bench = open();
    const { ino } = bench.lookup('d/file').attr;
    await copyWhole(bench, 'd/file');
    await bench.remount();
    expect(bench.lookup('d/file').attr.ino).toBe(ino);
  });

  it('keeps its extended attributes', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    const value = bench.overlay.getxattr(bench.node('d/file'), bytesOf('user.color'));
    expect(value.toString()).toBe('blue');
  });

  it('keeps set-user-ID and set-group-ID bits', async () => {
    const bench = open();
    await setxattr(bench, 'd/suid', 'user.x', '1');
    expect(bench.lookup('d/suid').attr.mode & 0o7777).toBe(0o6755);
  });

  it('leaves nothing in the work directory', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    expect(staged(bench)).toEqual([]);
  });

  it('works for a file of mode 0000', async () => {
    const bench = open();
    await copyWhole(bench, 'd/closed');
    expect(lstatSync(join(bench.upper, 'd/closed'))).toMatchObject({ size: 2, mode: 0o100000 });
  });

  it('leaves holes as holes', async () => {
    const bench = open();
    await copyWhole(bench, 'd/sparse');
    const { size, blocks } = lstatSync(join(bench.upper, 'd/sparse'));
    expect(size).toBe(16 * PAGE + 3);
    expect(blocks * 512).toBeLessThan(16 * PAGE);
    expect(
      stored(bench, 'd/sparse')
        .subarray(16 * PAGE)
        .toString(),
    ).toBe('the');
  });

  it('marks the file with its origin, and its directory as impure', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    expect(mark(bench, 'd/file', 'origin')).toBeDefined();
    expect(mark(bench, 'd', 'impure')).toBe('y');
    expect(mark(bench, 'd/file', 'metacopy')).toBeUndefined();
  });

  it('is seen through a descriptor that was open before, and through later ones', async () => {
    const bench = open();
    const node = bench.node('d/file');
    const file = new OpenFile();
    expect(await bench.overlay.open(node, O_RDONLY, false, bench.call(), file)).toBe(0);
    await overwrite(bench, 'd/file', 0, 'THE');
    const text = await readText(bench, node, 9);
    bench.overlay.release(node);
    expect(text).toBe('THE bytes');
  });

  it('gives it no name if its last name was removed while it was open', async () => {
    const bench = open();
    const node = bench.node('d/file');
    await bench.overlay.open(node, O_RDONLY, false, bench.call(), new OpenFile());
    unlink(bench, 'd/file');
    expect(await bench.overlay.open(node, O_RDWR, false, bench.call(), new OpenFile())).toBe(0);
    expect(bench.overlay.write(node, 0, bytesOf('THE'), undefined)).toBe(3);
    expect(bench.attr(node).size).toBe(2 * PAGE);
    expect(lstatSync(join(bench.upper, 'd/file')).isCharacterDevice()).toBe(true);
    expect(staged(bench).filter((name) => name !== '#whiteout')).toEqual([]);
    bench.overlay.release(node);
    bench.overlay.release(node);
  });

  it('fails with EIO and leaves nothing if the image ends before the file does', async () => {
    const bench = open();
    expect(await copyWhole(bench, 'd/short')).toBe(-EIO);
    expect(staged(bench)).toEqual([]);
    expect(readdirSync(bench.upper)).toEqual([]);
    expect(bench.lookup('d/short').attr.size).toBe(10 * PAGE);
  });

  it('copies no bytes of a file that is opened to be truncated', async () => {
    const reader = new MemoryReader(content);
    const bench = new Bench([layer({ f: file({ size: PAGE }) })], [reader]);
    benches.push(bench);
    const flags = O_RDWR | constants.O_TRUNC;
    await bench.overlay.open(bench.node('f'), flags, false, bench.call(), new OpenFile());
    expect(reader.reads).toEqual([]);
    expect(lstatSync(join(bench.upper, 'f')).size).toBe(0);
    bench.overlay.release(bench.node('f'));
  });

  it('copies only the bytes that remain after a truncation', async () => {
    const reader = new MemoryReader(content);
    const bench = new Bench([layer({ f: file({ size: 2 * PAGE }) })], [reader]);
    benches.push(bench);
    await setattr(bench, 'f', { size: 5 });
    expect(reader.reads).toEqual([[0, 5]]);
    expect(stored(bench, 'f').toString()).toBe('the b');
  });
});

describe('a change of metadata only', () => {
  it('copies no bytes, and marks the file as a metacopy', async () => {
    const reader = new MemoryReader(content);
    const bench = new Bench([layer({ f: file({ size: PAGE }) })], [reader]);
    benches.push(bench);
    await setattr(bench, 'f', { mode: 0o600 });
    expect(reader.reads).toEqual([]);
    expect(lstatSync(join(bench.upper, 'f')).size).toBe(PAGE);
    expect(mark(bench, 'f', 'metacopy')).toBe('');
  });

  it('shows the number of blocks that the bytes take', async () => {
    const bench = open();
    const { blocks } = bench.lookup('d/file').attr;
    await setattr(bench, 'd/file', { mode: 0o600 });
    expect(bench.lookup('d/file').attr.blocks).toBe(blocks);
  });

  it('lets the first write copy the bytes into the same upper inode', async () => {
    const bench = open();
    await setattr(bench, 'd/file', { mode: 0o600 });
    const { ino } = lstatSync(join(bench.upper, 'd/file'));
    await copyWhole(bench, 'd/file');
    expect(lstatSync(join(bench.upper, 'd/file'))).toMatchObject({ ino, mtimeMs: 1_000_000 });
    expect(stored(bench, 'd/file').equals(content.subarray(0, 2 * PAGE))).toBe(true);
    expect(mark(bench, 'd/file', 'metacopy')).toBeUndefined();
  });

  it('shows the bytes of the layers after a rename and a remount', async () => {
    const bench = open();
    await setattr(bench, 'd/file', { mode: 0o600 });
    await rename(bench, 'd/file', 'moved');
    await bench.remount();
    expect(await readText(bench, bench.node('moved'), 9)).toBe('the bytes');
  });

  it('copies the bytes too if metacopy is off', async () => {
    const bench = open({ usesMetacopy: false });
    await setattr(bench, 'd/file', { mode: 0o600 });
    expect(stored(bench, 'd/file').equals(content.subarray(0, 2 * PAGE))).toBe(true);
    expect(mark(bench, 'd/file', 'metacopy')).toBeUndefined();
  });

  it('does not mark an empty file as a metacopy', async () => {
    const bench = open();
    await setattr(bench, 'd/empty', { mode: 0o600 });
    expect(lstatSync(join(bench.upper, 'd/empty'))).toMatchObject({ size: 0, mode: 0o100600 });
    expect(mark(bench, 'd/empty', 'metacopy')).toBeUndefined();
  });
});

describe('a copy-up of a special file', () => {
  it('keeps the target of a symlink', async () => {
    const bench = open();
    await setattr(bench, 'd/sym', { mtime: { sec: 5, nsec: 0 } });
    expect(readlinkSync(join(bench.upper, 'd/sym'))).toBe('../elsewhere');
    expect(lstatSync(join(bench.upper, 'd/sym')).mtimeMs).toBe(5000);
  });

  it('keeps the type of a FIFO', async () => {
    const bench = open();
    await link(bench, 'd/pipe', 'again');
    expect(lstatSync(join(bench.upper, 'again')).isFIFO()).toBe(true);
    expect(lstatSync(join(bench.upper, 'd/pipe')).mode & 0o777).toBe(0o620);
  });
});

describe('a copy-up of parent directories', () => {
  it('gives the upper directory the mode and the times of the lower one', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    expect(lstatSync(join(bench.upper, 'd'))).toMatchObject({ mode: 0o40750, mtimeMs: 2_000_000 });
  });

  it('keeps their times when a second file is copied up', async () => {
    const bench = open();
    const before = bench.lookup('').attr;
    await copyWhole(bench, 'd/file');
    await copyWhole(bench, 'd/suid');
    expect(lstatSync(join(bench.upper, 'd')).mtimeMs).toBe(2_000_000);
    expect(bench.lookup('').attr).toMatchObject({ mtimeSec: before.mtimeSec, mtimeNsec: before.mtimeNsec });
  });

  it('does not make them opaque: the other lower names still show', async () => {
    const bench = open();
    await copyWhole(bench, 'd/file');
    await bench.remount();
    expect([...bench.list('d').keys()]).toContain('suid');
    expect(mark(bench, 'd', 'opaque')).toBeUndefined();
  });

  it('reports each of them, and the file, as changed', async () => {
    const bench = open();
    const nodes = [bench.node('d'), bench.node('d/file')];
    await copyWhole(bench, 'd/file');
    expect(bench.overlay.takeChangedNodes()).toEqual(expect.arrayContaining(nodes));
  });
});

describeWith(['root'], 'a copy-up by root', () => {
  it('keeps owners, and devices with their numbers', async () => {
    const bench = new Bench(
      [
        layer({
          owned: file({ size: 3, uid: 70_000, gid: 5 }),
          null: special(S_IFCHR | 0o666, makeRdev(1, 3)),
        }),
      ],
      [new MemoryReader(content)],
    );
    benches.push(bench);
    await setattr(bench, 'owned', { mode: 0o600 });
    await setattr(bench, 'null', { mode: 0o600 });
    expect(lstatSync(join(bench.upper, 'owned'))).toMatchObject({ uid: 70_000, gid: 5 });
    expect(lstatSync(join(bench.upper, 'null'))).toMatchObject({
      mode: S_IFCHR | 0o600,
      rdev: makeRdev(1, 3),
    });
  });

  it('keeps the capabilities of a program', async () => {
    const capability = '\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00';
    const bench = new Bench(
      [layer({ ping: file({ size: 3, uid: 5, xattrs: { 'security.capability': capability } }) })],
      [new MemoryReader(content)],
    );
    benches.push(bench);
    await copyWhole(bench, 'ping');
    const value = bench.overlay.getxattr(bench.node('ping'), bytesOf('security.capability'));
    expect(Buffer.from(value as Uint8Array).toString('latin1')).toBe(capability);
  });
});
