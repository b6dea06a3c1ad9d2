// Calls by path over a file system by inode: what is found is held while it is used, and given back.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Bridge } from '../../../src/fuse/fuse-native/bridge.ts';
import { readingOperations } from '../../../src/fuse/fuse-native/reading.ts';
import { FileRange, type ReadResult } from '../../../src/vfs/blob-reader.ts';
import {
  EBADF,
  EIO,
  EISDIR,
  ENOENT,
  ENOTCONN,
  EOVERFLOW,
  ErrnoError,
  ENOSPC,
} from '../../../src/vfs/errno.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

/** Two directories of three files: nodes 2 and 3, then 4 to 9. */
function setUp() {
  const fileSystem = new SyntheticFileSystem(2, 3);
  const bridge = new Bridge(fileSystem);
  const operations = readingOperations(bridge);
  const open = (path: string): Promise<number> =>
    new Promise((resolve) => operations.open(path, 0, (status, handle) => resolve(handle ?? status)));
  const read = (handle: number, into: Buffer, offset: number): Promise<number> =>
    new Promise((resolve) => operations.read('', handle, into, into.length, offset, resolve));
  const getattr = (path: string): Promise<number> =>
    new Promise((resolve) => operations.getattr(path, resolve));
  return { fileSystem, bridge, operations, open, read, getattr };
}

describe('a call by path', () => {
  it('gives every lookup of the way back, found or not', async () => {
    const { fileSystem, getattr } = setUp();
    // The file's times are before 1970.
    expect(await getattr('/d1/f2')).toBe(-EOVERFLOW);
    expect(fileSystem.forgotten).toEqual([
      [3, 1],
      [9, 1],
    ]);
    fileSystem.forgotten.length = 0;
    expect(await getattr('/d0/f9')).toBe(-ENOENT);
    expect(fileSystem.forgotten).toEqual([[2, 1]]);
  });

  it('never gives back the root', async () => {
    const { fileSystem, getattr } = setUp();
    await getattr('/');
    expect(fileSystem.forgotten).toEqual([]);
  });

  it('is counted, and answered ENOTCONN after the end', async () => {
    const { bridge, getattr } = setUp();
    await getattr('/d0');
    await bridge.calls.end();
    expect(await getattr('/d0')).toBe(-ENOTCONN);
    expect(bridge.calls.counts).toEqual({ GETATTR: 2 });
  });
});

describe('an open file', () => {
  it('is held until it is released', async () => {
    const { fileSystem, operations, open } = setUp();
    const handle = await open('/d0/f1');
    expect(handle).toBeGreaterThan(0);
    expect(fileSystem.forgotten).toEqual([[2, 1]]);
    operations.release('/d0/f1', handle, (status) => expect(status).toBe(0));
    expect(fileSystem.forgotten).toEqual([
      [2, 1],
      [5, 1],
    ]);
  });

  it('is let go where nobody releases it any more', async () => {
    const { fileSystem, bridge, open } = setUp();
    await open('/d0/f1');
    bridge.opens.releaseAll();
    expect(fileSystem.forgotten).toContainEqual([5, 1]);
  });

  it('has another handle than all that are open', async () => {
    const { open } = setUp();
    const handles = [await open('/d0/f1'), await open('/d0/f1'), await open('/d1/f0')];
    expect(new Set(handles).size).toBe(3);
  });

  it('is read from memory, late or at once, and an unknown one is EBADF', async () => {
    const { fileSystem, bridge, open, read } = setUp();
    const handle = await open('/d0/f1');
    const answers: (ReadResult | Promise<ReadResult>)[] = [
      Buffer.from('abc'),
      Promise.resolve(Buffer.from('de')),
      -EIO,
      Promise.reject(new ErrnoError(ENOSPC, 'read')),
      Promise.reject(new Error('a defect')),
    ];
    fileSystem.onRead = () => answers.shift() ?? 0;
    const into = Buffer.alloc(4);
    expect([await read(handle, into, 0), into.toString()]).toEqual([3, 'abc\0']);
    expect([await read(handle, into, 0), into.toString()]).toEqual([2, 'dec\0']);
    expect(await read(handle, into, 0)).toBe(-EIO);
    expect(await read(handle, into, 0)).toBe(-ENOSPC);
    expect(await read(handle, into, 0)).toBe(-EIO);
    expect(await read(handle + 1, into, 0)).toBe(-EBADF);
    expect(bridge.calls.bytesRead).toBe(5);
  });

  it('is read from a range of a file: one that ends early is EIO unless it may', async () => {
    const { fileSystem, open, read } = setUp();
    const directory = mkdtempSync(join(tmpdir(), 'stratafs-reading-'));
    writeFileSync(join(directory, 'file'), '0123456789');
    const fd = openSync(join(directory, 'file'), 'r');
    const directoryFd = openSync(directory, 'r');
    try {
      const handle = await open('/d0/f1');
      const into = Buffer.alloc(6);
      fileSystem.onRead = () => new FileRange(fd, 2, 6);
      expect([await read(handle, into, 0), into.toString()]).toEqual([6, '234567']);
      fileSystem.onRead = () => new FileRange(fd, 7, 6);
      expect(await read(handle, into, 0)).toBe(-EIO);
      fileSystem.onRead = () => new FileRange(fd, 7, 6, true);
      expect([await read(handle, into, 0), into.toString('latin1', 0, 3)]).toEqual([3, '789']);
      fileSystem.onRead = () => new FileRange(directoryFd, 7, 6);
      expect(await read(handle, into, 0)).toBe(-EISDIR);
    } finally {
      closeSync(fd);
      closeSync(directoryFd);
      rmSync(directory, { recursive: true });
    }
  });
});
