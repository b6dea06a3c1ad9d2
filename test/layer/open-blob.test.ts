// Between the finding of a blob in a directory and its opening, whoever may write to the directory can put something else there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBlob } from '../../src/image/archive.ts';
import { DirectoryArchive } from '../../src/image/directory-archive.ts';
import type { BlobLocation } from '../../src/layer/layer.ts';
import { openBlob } from '../../src/layer/open-blob.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stratafs-blob-'));
  mkdirSync(join(root, 'layout/id'), { recursive: true });
  mkdirSync(join(root, 'private'));
  writeFileSync(join(root, 'layout/id/layer.tar'), 'found');
  writeFileSync(join(root, 'private/layer.tar'), 'SECRET');
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

async function find(): Promise<BlobLocation> {
  const blob = await (await DirectoryArchive.open(join(root, 'layout'))).find('id/layer.tar');
  if (blob === undefined) throw new Error('not found');
  return blob;
}

async function expectRefused(blob: BlobLocation): Promise<void> {
  expect(() => openBlob(blob)).toThrow(/layer\.tar: was replaced by another file/);
  await expect(readBlob(blob, 'blob')).rejects.toThrow(/layer\.tar: was replaced by another file/);
}

describe('a blob in a directory is not read where meanwhile', () => {
  it('a symlink took the place of the file', async () => {
    const blob = await find();
    rmSync(join(root, 'layout/id/layer.tar'));
    symlinkSync(join(root, 'private/layer.tar'), join(root, 'layout/id/layer.tar'));
    await expectRefused(blob);
  });

  it('a symlink took the place of a directory above', async () => {
    const blob = await find();
    renameSync(join(root, 'layout/id'), join(root, 'layout/other'));
    symlinkSync(join(root, 'private'), join(root, 'layout/id'));
    await expectRefused(blob);
  });

  it('a FIFO took its place', async () => {
    const blob = await find();
    renameSync(join(root, 'layout/id/layer.tar'), join(root, 'layout/id/kept'));
    execFileSync('mkfifo', [join(root, 'layout/id/layer.tar')]);
    await expectRefused(blob);
  });
});
