// An OCI layout that another user has prepared: nothing is written outside of it, and nothing blocks.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LayoutDraft, readIndex } from '../../src/commit/layout-draft.ts';
import { scratchDirectory } from '../image/scratch.ts';

test.each(['blobs', 'blobs/sha256'])(
  'a symlink in the place of %s is refused, and its target stays empty',
  async (name) => {
    const root = await scratchDirectory();
    mkdirSync(join(root, 'layout/blobs/sha256'), { recursive: true });
    mkdirSync(join(root, 'victim'));
    rmSync(join(root, 'layout', name), { recursive: true });
    symlinkSync(join(root, 'victim'), join(root, 'layout', name));
    await expect(LayoutDraft.create(join(root, 'layout'), true)).rejects.toThrow(
      /layout\/blobs(\/sha256)?: found no directory \(ELOOP\)/,
    );
    expect(readdirSync(join(root, 'victim'))).toEqual([]);
  },
);

test('a FIFO in the place of index.json is refused', async () => {
  const path = join(await scratchDirectory(), 'index.json');
  execFileSync('mkfifo', [path]);
  await expect(readIndex(path)).rejects.toThrow(`${path}: found no regular file, expected an OCI index`);
});

test('a draft that is discarded leaves nothing, and a file under a guessed draft name does not stop it', async () => {
  const root = await scratchDirectory();
  writeFileSync(join(root, `layout.${process.pid}.draft`), 'theirs');
  const draft = await LayoutDraft.create(join(root, 'layout'), false);
  await draft.addBlob(`sha256:${'a'.repeat(64)}`, Buffer.from('x'));
  await draft.discard();
  expect(readdirSync(root)).toEqual([`layout.${process.pid}.draft`]);
});
