import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EntryField, openBeneath, readDirectoryBatch } from '../../src/sys/file-calls.ts';
import { ELOOP, ENOENT, ENOTDIR, EXDEV } from '../../src/vfs/errno.ts';

const { O_RDONLY, O_DIRECTORY } = fs.constants;
let root: string;
let fd: number;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'stratafs-calls-'));
  fd = fs.openSync(root, O_RDONLY | O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(fd);
  fs.rmSync(root, { recursive: true });
});

describe('openBeneath', () => {
  const open = (path: string): number => openBeneath(fd, Buffer.from(path), O_RDONLY);

  test('opens what lies beneath', () => {
    fs.mkdirSync(join(root, 'd'));
    fs.writeFileSync(join(root, 'd/f'), 'abc');
    for (const path of ['d/f', '', 'd']) {
      const opened = open(path);
      expect(opened).toBeGreaterThan(0);
      fs.closeSync(opened);
    }
  });

  test('follows no symlink and reaches nothing above', () => {
    fs.mkdirSync(join(root, 'd'));
    fs.writeFileSync(join(root, 'd/f'), '');
    fs.symlinkSync('d', join(root, 'l'));
    expect(open('l/f')).toBe(-ELOOP);
    expect(open('l')).toBe(-ELOOP);
    expect(open('..')).toBe(-EXDEV);
    expect(open('/etc')).toBe(-EXDEV);
    expect(open('missing')).toBe(-ENOENT);
  });
});

describe('readDirectoryBatch', () => {
  test('answers entries in the layout that is documented, then none', () => {
    fs.writeFileSync(join(root, 'name'), 'abc', { mode: 0o640 });
    fs.utimesSync(join(root, 'name'), 5, 7.25);
    fs.linkSync(join(root, 'name'), join(root, 'second'));
    const batch = readDirectoryBatch(fd) as Buffer;
    const seen: string[] = [];
    for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) {
      const end = at + EntryField.name + batch.readUInt16LE(at + EntryField.nameLength);
      const name = batch.toString('latin1', at + EntryField.name, end);
      seen.push(name);
      if (name !== 'name') continue;
      const stat = fs.statSync(join(root, name), { bigint: true });
      expect(batch.readUInt32LE(at + EntryField.recordLength) % 8).toBe(0);
      expect(batch.readUInt16LE(at + EntryField.flags)).toBe(0);
      expect(batch.readUInt32LE(at + EntryField.mode)).toBe(Number(stat.mode));
      expect(batch.readUInt32LE(at + EntryField.uid)).toBe(Number(stat.uid));
      expect(batch.readUInt32LE(at + EntryField.gid)).toBe(Number(stat.gid));
      expect(batch.readUInt32LE(at + EntryField.linkCount)).toBe(2);
      expect(batch.readUInt32LE(at + EntryField.rdevMajor)).toBe(0);
      expect(batch.readUInt32LE(at + EntryField.mtimeNsec)).toBe(250_000_000);
      expect(batch.readUInt32LE(at + EntryField.atimeNsec)).toBe(0);
      expect(batch.readUInt32LE(at + EntryField.targetLength)).toBe(0);
      expect(batch.readDoubleLE(at + EntryField.size)).toBe(3);
      expect(batch.readDoubleLE(at + EntryField.mtimeSec)).toBe(7);
      expect(batch.readDoubleLE(at + EntryField.atimeSec)).toBe(5);
      expect(batch.readBigUInt64LE(at + EntryField.ino)).toBe(stat.ino);
    }
    expect(seen.sort()).toEqual(['.', '..', 'name', 'second']);
    expect(readDirectoryBatch(fd)).toHaveLength(0);
  });

  test('returns an errno for anything but a directory', () => {
    fs.writeFileSync(join(root, 'f'), '');
    const file = fs.openSync(join(root, 'f'), O_RDONLY);
    try {
      expect(readDirectoryBatch(file)).toBe(-ENOTDIR);
    } finally {
      fs.closeSync(file);
    }
  });
});
